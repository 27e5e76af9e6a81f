import { expect, test } from 'vitest'
import { diskFault } from '../../../overlay/index.ts'

const withCode = (code: string, cause?: unknown): Error => Object.assign(new Error(code, { cause }), { code })

test.each([
  [withCode('ENOSPC'), 'DISK_FULL', 'ENOSPC'],
  [withCode('EROFS'), 'DIRECTORY_UNWRITABLE', 'EROFS'],
  [withCode('LEVEL_NOT_OPEN', withCode('EDQUOT')), 'DISK_FULL', 'EDQUOT'],
  [new Error('IO error: /x/000005.log: No space left on device'), 'DISK_FULL', 'ENOSPC'],
  [new Error('write failed', { cause: new Error('IO error: Permission denied') }), 'DIRECTORY_UNWRITABLE', 'EACCES'],
  [withCode('EIO'), undefined, 'EIO'],
  [new Error('Corruption: bad block'), undefined, undefined],
  ['not even an error', undefined, undefined],
])('%s is %s', (thrown, code, errno) => {
  expect(diskFault(thrown)).toMatchObject({ code, errno })
})

test('an error that is its own cause ends the search', () => {
  const circular = new Error('around')
  circular.cause = circular
  expect(diskFault(circular).code).toBeUndefined()
})
