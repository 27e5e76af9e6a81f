import { expect, test } from 'vitest'
import { isMemberName, isVoName } from '../../../overlay/index.ts'

test.each(['quiet-heron', 'grid.example.org', 'A1', '7'])('a grid may be called %j', (name) => {
  expect(isVoName(name)).toBe(true)
})

test.each(['', ' ', '-a', '.hidden', 'a b', 'a/b', 'é', 'a\n', 'x'.repeat(41)])(
  'a grid may not be called %j',
  (name) => {
    expect(isVoName(name)).toBe(false)
  },
)

test.each(['root', 'Ada Lovelace', 'Søren Aabye', "O'Neill", 'a@b.org', '李', 'José'])(
  'a member may be called %j',
  (name) => {
    expect(isMemberName(name)).toBe(true)
  },
)

test.each(['', ' ', 'a ', '\u001b[2J', 'a\nb', 'a=b', 'a,b', 'a\u202eb', 'x'.repeat(41)])(
  'a member may not be called %j, for it is printed',
  (name) => {
    expect(isMemberName(name)).toBe(false)
  },
)
