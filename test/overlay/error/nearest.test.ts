import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest } from '../../../overlay/index.ts'

test.each([
  ['prot', 'port'],
  ['lables', 'labels'],
  ['Name', 'name'],
  ['dataa', 'data'],
])('for %s it suggests %s', (word, meant) => {
  expect(nearest(word, ['port', 'labels', 'name', 'data', 'software'])).toBe(meant)
})

test('a word that is near nothing gets no suggestion', () => {
  expect(nearest('xyzzy', ['port', 'labels'])).toBeUndefined()
})

test('a known word is its own nearest', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 }), fc.nat(), (words, seed) => {
      const word = words[seed % words.length]!
      expect(nearest(word, words)).toBe(word)
    }),
  )
})
