// Sends what is nearly right to everything that hears from peers: node scripts/fuzz.ts --inputs 1000000 --seed 7 [--wire ID]
import { parseArgs } from 'node:util'
import { asRoostError, type Plain, type RoostError } from '../overlay/index.ts'
import { encode } from '../node/codec/index.ts'
import { growCorpus, readCorpus } from '../test/fuzz/corpus.ts'
import { Fuzzer, type Fault } from '../test/fuzz/fuzzer.ts'
import { MANY_CELLS, Siege } from '../test/fuzz/siege.ts'
import { TARGETS, type Target } from '../test/fuzz/targets.ts'

const USAGE = `node scripts/fuzz.ts [--inputs N] [--seed S] [--wire ID]... [--hex INPUT] [--no-keep] [--json]
  --inputs  so many in all; one in ten is told to running protocols, the others to what reads bytes
  --wire    only this: a protocol's id (/roost/sampling/1) or a name (siege, ${TARGETS.map(({ name }) => name).join(', ')})
  --hex     only this input, as a fault printed it
  --no-keep leaves test/fuzz/corpus as it is`
const SIEGE = 'siege'
/** Of all inputs, those that are told to running protocols; and how many one grid is told before another is built. */
const LIES_SHARE = 0.1
const LIES_AT_ONCE = 2_500
/** One grid in so many is cut into cells, which costs ten times as much. */
const MANY_CELLS_EVERY = 8
/** Inputs for one target before the next has its turn. */
const TURN_COUNT = 500
const SAY_MS = 5_000
/** What the process may hold: the inputs that are kept, and what reading one of them needs. */
const RSS_BYTES_MAX = 2 ** 30

interface Trouble {
  readonly what: string
  readonly replay: string
}

// Refusals are what is made here; where each was made nobody asks.
Error.stackTraceLimit = 0
const options = readOptions()
const fuzzers = options.targets.map(
  (target, index) => new Fuzzer(target, { seed: options.seed + index, corpus: readCorpus(target.name) }),
)
const siege = { inputs: 0, grids: 0, echoesPerLie: 0, refusedBy: new Map<string, number>() }
const startMs = performance.now()
let saidMs = startMs

if (options.hex !== undefined) finish(troubleOf(fuzzers[0]!.take(new Uint8Array(Buffer.from(options.hex, 'hex')))))
console.error(`node scripts/fuzz.ts --inputs ${options.inputs} --seed ${options.seed}`)
const liesShare = !options.besieges ? 0 : fuzzers.length === 0 ? 1 : LIES_SHARE
const liesCount = Math.floor(options.inputs * liesShare)
finish((await feedReal()) ?? feed(options.inputs - liesCount) ?? (await lie(liesCount)))

/** What a grid of many cells really says, of every kind, is there to be changed. */
async function feedReal(): Promise<Trouble | undefined> {
  if (fuzzers.length === 0) return undefined
  const grid = new Siege({ ...MANY_CELLS, seed: options.seed })
  await grid.settle()
  for (const fuzzer of fuzzers)
    for (const message of grid.templates.of(fuzzer.target.channel ?? '')) {
      const fault = fuzzer.take(encode(message as Plain))
      if (fault !== undefined) return troubleOf(fault)
    }
  return undefined
}

function feed(inputsCount: number): Trouble | undefined {
  for (let inputs = 0; inputs < inputsCount;) {
    for (const fuzzer of fuzzers) {
      for (let turn = Math.min(TURN_COUNT, inputsCount - inputs); turn > 0; turn--, inputs++) {
        const fault = fuzzer.step()
        if (fault !== undefined) return troubleOf(fault)
      }
      const tooMuch = memoryTrouble(`--wire ${fuzzer.target.name}`)
      if (tooMuch !== undefined) return tooMuch
    }
    say(inputs)
  }
  return undefined
}

async function lie(count: number): Promise<Trouble | undefined> {
  while (siege.inputs < count) {
    const seed = options.seed + siege.grids++
    const lies = Math.min(LIES_AT_ONCE, count - siege.inputs)
    const replay = `node scripts/fuzz.ts --wire ${SIEGE} --inputs ${lies} --seed ${seed}`
    const grid = new Siege({ seed, ...(seed % MANY_CELLS_EVERY === 0 && MANY_CELLS) })
    try {
      await grid.settle()
      await grid.lie(lies)
      await grid.heal()
    } catch (thrown) {
      return { what: reasonsOf(asRoostError(thrown)), replay }
    }
    siege.inputs += lies
    siege.echoesPerLie = Math.max(siege.echoesPerLie, grid.echoesPerLie)
    for (const [reason, times] of grid.refusedBy)
      siege.refusedBy.set(reason, (siege.refusedBy.get(reason) ?? 0) + times)
    const tooMuch = memoryTrouble(`--wire ${SIEGE}`)
    if (tooMuch !== undefined) return tooMuch
    say(options.inputs - count + siege.inputs)
  }
  return undefined
}

function say(inputs: number): void {
  if (performance.now() - saidMs < SAY_MS) return
  saidMs = performance.now()
  console.error(`${inputs} inputs, ${Math.round((inputs * 1_000) / (saidMs - startMs))} a second`)
}

function memoryTrouble(where: string): Trouble | undefined {
  const rssBytes = process.memoryUsage.rss()
  if (rssBytes <= RSS_BYTES_MAX) return undefined
  const replay = `node scripts/fuzz.ts ${where} --inputs ${options.inputs} --seed ${options.seed}`
  return { what: `the process holds ${rssBytes} bytes`, replay }
}

function troubleOf(fault: Fault | undefined): Trouble | undefined {
  if (fault === undefined) return undefined
  const hex = Buffer.from(fault.input).toString('hex')
  return { what: `${fault.target}: ${fault.what}`, replay: `node scripts/fuzz.ts --wire ${fault.target} --hex ${hex}` }
}

/** An error with all that led to it. */
function reasonsOf(error: RoostError): string {
  const reasons: string[] = []
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) reasons.push(cause.message)
  return reasons.join(': ')
}

/** Tells what came of it, and ends. */
function finish(trouble: Trouble | undefined): never {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const inputs = fuzzers.reduce((sum, { inputsCount }) => sum + inputsCount, siege.inputs)
  const { refusedBy, ...besieged } = siege
  const report = {
    seed: options.seed,
    inputs,
    accepted: fuzzers.reduce((sum, { acceptedCount }) => sum + acceptedCount, 0),
    inputsPerSecond: Math.round((inputs * 1_000) / (performance.now() - startMs)),
    inputsPerCpuSecond: Math.round(inputs / ((userCPUTime + systemCPUTime) / 1e6)),
    peakRssMiB: Math.round(maxRSS / 1_024),
    refusedBy: countsByCode(),
    siege: { ...besieged, refusedBy: Object.fromEntries(refusedBy) },
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
    const { targets, refusedBy: byCode, siege: told, ...sums } = report
    for (const table of [targets, byCode, told.refusedBy, sums]) if (Object.keys(table).length > 0) console.table(table)
  }
  if (trouble === undefined) process.exit(0)
  console.error(`fault: ${trouble.what}\nreplay: ${trouble.replay}`)
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

interface Options {
  readonly inputs: number
  readonly seed: number
  readonly targets: readonly Target[]
  readonly besieges: boolean
  readonly hex: string | undefined
  readonly keeps: boolean
  readonly json: boolean
}

function readOptions(): Options {
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
    if (!Number.isSafeInteger(inputs) || inputs < 1) throw new Error('--inputs is a whole number from 1')
    if (!Number.isSafeInteger(seed) || seed < 0) throw new Error('--seed is a whole number from 0')
    const { wire, hex, keep, json } = values
    const targets = wire === undefined ? TARGETS : wire.flatMap(targetsOf)
    if (hex !== undefined && targets.length !== 1) throw new Error('--hex is for one --wire')
    return { inputs, seed, targets, besieges: wire?.includes(SIEGE) ?? true, hex, keeps: keep, json }
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

function targetsOf(wire: string): readonly Target[] {
  if (wire === SIEGE) return []
  const short = wire.startsWith('/') ? wire.split('/').slice(-2).join('-') : wire
  const found = TARGETS.filter(({ name }) => name === short || name === `${short}-request` || name === `${short}-reply`)
  if (found.length === 0) throw new Error(`nothing is called ${wire}`)
  return found
}
