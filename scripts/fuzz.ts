// Sends what is nearly right to everything that reads bytes from a peer: node scripts/fuzz.ts --inputs 1000000 --seed 7 [--wire ID]
import { parseArgs } from 'node:util'
import { growCorpus, readCorpus } from '../test/fuzz/corpus.ts'
import { Fuzzer, type Fault } from '../test/fuzz/fuzzer.ts'
import { TARGETS, type Target } from '../test/fuzz/targets.ts'

const USAGE = `node scripts/fuzz.ts [--inputs N] [--seed S] [--wire ID]... [--hex INPUT] [--no-keep] [--json]
  --wire   only this: a protocol's id (/roost/sampling/1) or a name (${TARGETS.map(({ name }) => name).join(', ')})
  --hex    only this input, as a fault printed it
  --no-keep  leaves test/fuzz/corpus as it is`
/** Inputs for one target before the next has its turn. */
const TURN_COUNT = 500
const SAY_MS = 5_000
/** What the process may hold: the inputs that are kept, and what reading one of them needs. */
const RSS_BYTES_MAX = 2 ** 30

// Refusals are what is made here; where each was made nobody asks.
Error.stackTraceLimit = 0

const options = readOptions()
const fuzzers = options.targets.map((target, index) => {
  const corpus = [...readCorpus(target.name).values()]
  return new Fuzzer(target, { seed: options.seed + index, corpus })
})
if (options.hex !== undefined) finish(fuzzers[0]!.take(new Uint8Array(Buffer.from(options.hex, 'hex'))))
console.error(`node scripts/fuzz.ts --inputs ${options.inputs} --seed ${options.seed}`)
finish(run())

function run(): Fault | undefined {
  const startMs = performance.now()
  let saidMs = startMs
  for (let inputs = 0; inputs < options.inputs;) {
    for (const fuzzer of fuzzers) {
      for (let turn = Math.min(TURN_COUNT, options.inputs - inputs); turn > 0; turn--, inputs++) {
        const fault = fuzzer.step()
        if (fault !== undefined) return fault
      }
      const rssBytes = process.memoryUsage.rss()
      if (rssBytes > RSS_BYTES_MAX)
        return { target: fuzzer.target.name, input: new Uint8Array(), what: `the process holds ${rssBytes} bytes` }
    }
    if (performance.now() - saidMs < SAY_MS) continue
    saidMs = performance.now()
    console.error(`${inputs} inputs, ${Math.round((inputs * 1_000) / (saidMs - startMs))} a second`)
  }
  return undefined
}

/** Tells what came of it, and ends. */
function finish(fault: Fault | undefined): never {
  const { userCPUTime, maxRSS } = process.resourceUsage()
  const inputs = fuzzers.reduce((sum, { inputsCount }) => sum + inputsCount, 0)
  const report = {
    seed: options.seed,
    inputs,
    accepted: fuzzers.reduce((sum, { acceptedCount }) => sum + acceptedCount, 0),
    inputsPerCpuSecond: Math.round(inputs / (userCPUTime / 1e6)),
    peakRssMiB: Math.round(maxRSS / 1_024),
    refusedBy: countsByCode(),
    targets: fuzzers.map(({ target, inputsCount, acceptedCount, fates }) => ({
      target: target.name,
      inputs: inputsCount,
      accepted: acceptedCount,
      fates: fates.size,
      newInCorpus: options.keeps ? growCorpus(target.name, fates) : 0,
    })),
  }
  if (options.json) console.log(JSON.stringify(report, undefined, 2))
  else {
    const { targets, refusedBy, ...sums } = report
    console.table(targets)
    console.table(refusedBy)
    console.table(sums)
  }
  if (fault === undefined) process.exit(0)
  console.error(`fault in ${fault.target}: ${fault.what}`)
  console.error(`replay: node scripts/fuzz.ts --wire ${fault.target} --hex ${Buffer.from(fault.input).toString('hex')}`)
  process.exit(1)
}

function countsByCode(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { fates } of fuzzers)
    for (const [fate, { count }] of fates) {
      const code = fate.split(' ')[0]!
      if (code !== 'accepted') counts[code] = (counts[code] ?? 0) + count
    }
  return counts
}

function readOptions(): {
  inputs: number
  seed: number
  targets: readonly Target[]
  hex?: string
  keeps: boolean
  json: boolean
} {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: 'string', default: '100000' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        wire: { type: 'string', multiple: true },
        hex: { type: 'string' },
        keep: { type: 'boolean', default: true },
        json: { type: 'boolean', default: false },
      },
      allowNegative: true,
    })
    const [inputs, seed] = [Number(values.inputs), Number(values.seed)]
    if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed))
      throw new Error('whole numbers are wanted')
    const targets = values.wire === undefined ? TARGETS : values.wire.flatMap(targetsOf)
    return {
      inputs,
      seed,
      targets,
      ...(values.hex !== undefined && { hex: values.hex }),
      keeps: values.keep,
      json: values.json,
    }
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

function targetsOf(wire: string): Target[] {
  const short = wire.startsWith('/') ? wire.split('/').slice(-2).join('-') : wire
  const found = TARGETS.filter(({ name }) => name === short || name === `${short}-request` || name === `${short}-reply`)
  if (found.length === 0) throw new Error(`nothing is called ${wire}`)
  return found
}
