// How many calls a second go between two nodes over their one stream, and how long does each take?
//
// Limit: records of about the same size, echoed over one bare libp2p stream (tcp, noise, yamux), those of one turn of the
// event loop in one piece. Both ends of both are in this process, so a second of either is a second of two nodes on one
// core. `--quick` runs for a moment; `--seconds S` sets how long.

import { parseArgs } from 'node:util'
import type { CallWire } from '../overlay/index.ts'
import { shape } from '../overlay/index.ts'
import { startEcho } from './support/echo.ts'
import { startNetwork } from './support/network.ts'
import { header, quick, row, summary } from './support/report.ts'

const IN_FLIGHT_COUNTS = [1, 10, 100]
const ROUNDS_COUNT = 3
/** A call's frame on the wire, with its length: what the echo sends. */
const RECORD_BYTES = 64
const CALL_MS = 10_000

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, seconds: { type: 'string' } } })
const seconds = Number(values.seconds ?? (quick ? 0.2 : 2))

interface Question {
  readonly text: string
}
const questionShape = shape.record({ text: shape.text(100) })
const wire: CallWire<Question, Question> = {
  id: '/roost/bench-call/1',
  messageBytesMax: 1_024,
  parseRequest: (value) => questionShape(value, 'request'),
  parseReply: (value) => questionShape(value, 'reply'),
}

/** Asks once; resolves with the answer. */
type Ask = () => Promise<unknown>

header('How many calls a second, and how long does each take, beside a bare echo on a libp2p stream?', {
  inFlight: IN_FLIGHT_COUNTS.join(','),
  rounds: ROUNDS_COUNT,
  seconds,
  recordBytes: RECORD_BYTES,
})

const [bare, grid] = [await startEcho(RECORD_BYTES), await startCalls()]
for (const inFlight of IN_FLIGHT_COUNTS) {
  await measure(bare.ask, inFlight, seconds / 4)
  await measure(grid.ask, inFlight, seconds / 4)
  const [limit, calls] = [emptyResult(), emptyResult()]
  for (let round = 0; round < ROUNDS_COUNT; round++) {
    add(limit, await measure(bare.ask, inFlight, seconds))
    add(calls, await measure(grid.ask, inFlight, seconds))
  }
  const { rates, timesMs } = limit
  row(`echo, ${inFlight} in flight: rate`, rates, '/s')
  row(`call, ${inFlight} in flight: rate`, calls.rates, '/s', summary(rates).median)
  row(`echo, ${inFlight} in flight: time`, timesMs, 'ms')
  row(`call, ${inFlight} in flight: time`, calls.timesMs, 'ms', summary(timesMs).median)
}
await Promise.all([bare.stop(), grid.stop()])

interface Result {
  readonly rates: number[]
  readonly timesMs: number[]
}

function emptyResult(): Result {
  return { rates: [], timesMs: [] }
}

function add(total: Result, result: Result): void {
  total.rates.push(...result.rates)
  for (const timeMs of result.timesMs) total.timesMs.push(timeMs)
}

/** Keeps so many questions open for so long. */
async function measure(ask: Ask, inFlight: number, forSeconds: number): Promise<Result> {
  const timesMs: number[] = []
  const startMs = performance.now()
  const endMs = startMs + forSeconds * 1_000
  const asker = async (): Promise<void> => {
    for (let nowMs = performance.now(); nowMs < endMs;) {
      await ask()
      const doneMs = performance.now()
      timesMs.push(doneMs - nowMs)
      nowMs = doneMs
    }
  }
  await Promise.all(Array.from({ length: inFlight }, asker))
  return { rates: [timesMs.length / ((performance.now() - startMs) / 1_000)], timesMs }
}

async function startCalls(): Promise<{ ask: Ask; stop: () => Promise<void> }> {
  const [left, right] = [await startNetwork(), await startNetwork()]
  left.know(right.self, right.addresses())
  const env = left.serve(wire, { answer: (_, request) => request })
  right.serve(wire, { answer: (_, request) => request })
  return {
    ask: () => env.call(right.self, { text: 'how are you' }, { timeoutMs: CALL_MS }),
    stop: async () => void (await Promise.all([left.stop(), right.stop()])),
  }
}
