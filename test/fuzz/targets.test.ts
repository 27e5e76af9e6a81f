import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCorpus } from './corpus.ts'
import { Fuzzer } from './fuzzer.ts'
import { PROTOCOLS_WITHOUT_WIRE, TARGETS, WIRES } from './targets.ts'

const root = join(import.meta.dirname, '../..')

test('every protocol id in the code is one that the fuzzer knows', () => {
  const known = new Set([...WIRES.map(({ id }) => id), ...Object.keys(PROTOCOLS_WITHOUT_WIRE)])
  const found = sources().flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/'(\/roost\/[a-z-]+\/\d+)'/g)].map(([, id]) => id!),
  )
  expect(found.length).toBeGreaterThan(5)
  expect([...new Set(found)].filter((id) => !known.has(id))).toEqual([])
})

test('every target has something well formed to begin with', () => {
  for (const target of TARGETS) {
    const fuzzer = new Fuzzer(target, { seed: 1 })
    for (const input of [...target.seeds, ...readCorpus(target.name).values()]) fuzzer.take(input)
    expect([target.name, fuzzer.acceptedCount > 0]).toEqual([target.name, true])
  }
})

test('no two targets share a name', () => {
  const names = TARGETS.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
})

function sources(): string[] {
  return ['overlay', 'aem', 'xfs', 'node'].flatMap((folder) => {
    try {
      const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      return names.filter((name) => name.endsWith('.ts')).map((name) => join(root, folder, name))
    } catch {
      return []
    }
  })
}
