import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chanceFor } from '../../../sim/engine/index.ts'
import { drawPeerId } from '../../../sim/engine/names.ts'
import { Roster } from '../../../sim/engine/roster.ts'

test('a roster finds whom it has taken in, and nobody else, whatever they are called', () => {
  const rng = chanceFor(1, 'names')
  const alike = Array.from({ length: 3_000 }, (_, index) => `the same beginning ${index}`)
  const drawn = Array.from({ length: 3_000 }, () => drawPeerId(rng))
  for (const names of [drawn, alike, [...drawn, ...alike], alike.map((name) => name.slice(-5))]) {
    const roster = new Roster()
    const known = [...new Set(names)]
    for (const [index, name] of known.entries()) {
      expect(roster.indexOf(name)).toBe(-1)
      expect(roster.add(name)).toBe(index)
    }
    expect(roster.ids).toEqual(known)
    for (const [index, name] of known.entries()) expect(roster.indexOf(`${name}x`.slice(0, -1))).toBe(index)
    expect(roster.indexOf('nobody')).toBe(-1)
  }
})

test('a roster agrees with a map', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ maxLength: 20 }), { maxLength: 200 }),
      fc.array(fc.string()),
      (names, others) => {
        const roster = new Roster()
        for (const name of names) roster.add(name)
        for (const name of [...names, ...others]) expect(roster.indexOf(name)).toBe(names.indexOf(name))
      },
    ),
  )
})

test('a roster refuses a name that is taken', () => {
  const roster = new Roster()
  roster.add('somebody')
  expect(() => roster.add('somebody')).toThrow('two nodes have the id somebody')
})
