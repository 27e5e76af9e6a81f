import { expect, test } from 'vitest'
import { lossyStderr } from '../../../node/daemon/stderr.ts'

function failing(code: string): never {
  throw Object.assign(new Error(code), { code })
}

test('a log on a full disk loses lines and never fails, and begins anew on a line of its own', () => {
  let disk = ''
  let room = 12
  const stream = lossyStderr((bytes) => {
    const count = Math.min(room, bytes.length)
    if (count === 0) failing('ENOSPC')
    room -= count
    disk += Buffer.from(bytes.subarray(0, count)).toString()
    return count
  })
  for (const line of ['one\n', 'two\n', 'three\n', 'four\n']) stream.write(line)
  room = 100
  stream.write('five\n')
  expect(disk).toBe('one\ntwo\nthre\nfive\n')
  expect(stream.destroyed).toBe(false)
})

test('a reader that has gone away, or is never ready, ends nothing', () => {
  for (const code of ['EPIPE', 'EAGAIN', 'EBADF', 'EIO']) {
    const stream = lossyStderr(() => failing(code))
    stream.write('lost\n')
    expect([code, stream.destroyed, stream.writableLength]).toEqual([code, false, 0])
  }
})

test('a reader that is slow gets whole lines', () => {
  let text = ''
  let isReady = false
  const stream = lossyStderr((bytes) => {
    isReady = !isReady
    if (!isReady) failing('EAGAIN')
    text += Buffer.from(bytes.subarray(0, 2)).toString()
    return Math.min(2, bytes.length)
  })
  stream.write('a line\n')
  stream.write('another\n')
  expect(text).toBe('a line\nanother\n')
})
