import { describe, expect, test } from 'vitest'
import { readCorpus } from './corpus.ts'
import { Fuzzer, type Fault } from './fuzzer.ts'
import { TARGETS } from './targets.ts'

/** Whatever the bytes: a value or a `RoostError`, soon, and nothing else. `node scripts/fuzz.ts` goes on for as long as one likes. */

const FIXED_SEED = 1
const FRESH_SEED = Number(process.env['ROOST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** For each target and seed. */
const INPUTS_COUNT = 150

describe.each(TARGETS)('$name', (target) => {
  const corpus = readCorpus(target.name)

  test('holds for every input that was found before', () => {
    const fuzzer = new Fuzzer(target, { seed: FIXED_SEED })
    for (const input of [...target.seeds, ...corpus.values()]) expectNoFault(fuzzer.take(input))
  })

  test.each([FIXED_SEED, FRESH_SEED])(`holds for ${INPUTS_COUNT} inputs from seed %i`, (seed) => {
    const fuzzer = new Fuzzer(target, { seed, corpus })
    for (let count = 0; count < INPUTS_COUNT; count++) expectNoFault(fuzzer.step())
  })

  test('accepts some of them and refuses others', () => {
    if (target.name === 'error') return
    const fuzzer = new Fuzzer(target, { seed: FIXED_SEED })
    for (const input of [...target.seeds, ...corpus.values(), new Uint8Array(target.bytesMax + 1)]) fuzzer.take(input)
    expect(fuzzer.acceptedCount).toBeGreaterThan(0)
    expect(fuzzer.acceptedCount).toBeLessThan(fuzzer.inputsCount)
  })
})

test('an input that breaks the promise is a fault', () => {
  const broken = (read: () => unknown): Fault | undefined =>
    new Fuzzer({ ...TARGETS[0]!, read }, { seed: FIXED_SEED }).take(Uint8Array.of(0))
  expect(broken(() => JSON.parse('{'))?.what).toContain('SyntaxError')
  expect(broken(() => ({ sum: 1n as never }))?.what).toBeUndefined()
  expect(broken(() => ({ call: () => 1 }))?.what).toContain('cannot be sent on')
  let calls = 0
  expect(broken(() => ({ calls: calls++ }))?.what).toContain('something else')
  const polluting = Object.prototype as { polluted?: true }
  expect(broken(() => (polluting.polluted = true))?.what).toContain('polluted')
  delete polluting.polluted
})

function expectNoFault(fault: Fault | undefined): void {
  if (fault === undefined) return
  const replay = `node scripts/fuzz.ts --wire ${fault.target} --hex ${Buffer.from(fault.input).toString('hex')}`
  expect.fail(`${fault.what}\nreplay: ${replay}`)
}
