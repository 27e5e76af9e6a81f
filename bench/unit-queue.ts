// What does a plan cost on a node where thousands of units wait?
//
// One node of 128 cores, busy; 100 users. One sample is one unit that ended, charged to its user, and the plan after it: who starts, and
// what is reserved. Beside it one estimate for all that wait (`why`), and one unit added to a full queue. Baselines: the same
// with a tenth of the units (what is n log n takes about 13 times as long with all), and sorting as many numbers.

import { FairShare, UnitQueue, type Occupied } from '../aem/protocol/scheduling/index.ts'
import { seededRng } from '../overlay/index.ts'
import { header, quick, row, summary } from './support/report.ts'

const CORES = 128
const MEMORY_BYTES = 512 * 2 ** 30
const USERS_COUNT = 100
const SEED = 1
const SIZES = quick ? [100, 1_000] : [1_000, 10_000]
const ROUNDS_COUNT = quick ? 20 : 300
const WARM_UP_ROUNDS = quick ? 2 : 100
const HOUR_MS = 3_600_000

interface Samples {
  readonly plan: number[]
  readonly estimate: number[]
  readonly add: number[]
  readonly sort: number[]
}

function measure(countMax: number): Samples {
  const rng = seededRng(SEED)
  const shares = new FairShare(0)
  const queue = new UnitQueue(
    { capacity: { cores: CORES, memoryBytes: MEMORY_BYTES }, factorOf: (owner, nowMs) => shares.factor(owner, nowMs) },
    { countMax },
  )
  let running: (Occupied & { owner: string })[] = []
  let made = 0
  let nowMs = 0
  const add = (): void => {
    queue.add({
      unitId: `u${made++}`,
      owner: `user${rng.below(USERS_COUNT)}`,
      cores: 1 << rng.below(7),
      memoryBytes: rng.below(64) * 2 ** 30,
      ...(rng.below(5) === 0 ? {} : { limitMs: rng.below(24) * HOUR_MS + HOUR_MS }),
      priority: 0,
      queuedAtMs: nowMs,
    })
  }
  const state = (): Parameters<UnitQueue['plan']>[0] => {
    let [cores, memoryBytes] = [CORES, MEMORY_BYTES]
    for (const unit of running) {
      cores -= unit.cores
      memoryBytes -= unit.memoryBytes
    }
    return { nowMs, running, free: { cores, memoryBytes } }
  }
  while (queue.count < countMax) {
    nowMs += 1_000
    add()
  }
  const samples: Samples = { plan: [], estimate: [], add: [], sort: [] }
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS_COUNT; round++) {
    nowMs += 60_000
    const ended = running[rng.below(Math.max(1, running.length))]
    running = running.filter((unit) => unit !== ended)
    const numbers = Array.from({ length: countMax }, () => rng.real())
    const taken = {
      plan: timed(() => {
        if (ended) shares.charge(ended.owner, ((nowMs - ended.startedAtMs) / 1_000) * ended.cores, nowMs)
        for (const request of queue.plan(state()).starts) {
          queue.remove(request.unitId)
          const end = request.limitMs === undefined ? {} : { endsByMs: nowMs + request.limitMs }
          running.push({ ...request, startedAtMs: nowMs, ...end })
        }
      }),
      estimate: timed(() => queue.estimate(state())),
      sort: timed(() => numbers.sort((one, other) => one - other)),
      add: 0,
    }
    while (queue.count < countMax) add()
    taken.add = timed(add)
    if (round >= WARM_UP_ROUNDS)
      for (const name of ['plan', 'estimate', 'add', 'sort'] as const) samples[name].push(taken[name])
  }
  return samples
}

/** CPU time of this process, in milliseconds. */
function timed(action: () => unknown): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

header('What does a plan cost on a node where thousands of units wait?', {
  cores: CORES,
  users: USERS_COUNT,
  rounds: ROUNDS_COUNT,
  seed: SEED,
})
let smaller: Samples | undefined
for (const count of SIZES) {
  const samples = measure(count)
  const baseline = smaller && { plan: summary(smaller.plan).median, estimate: summary(smaller.estimate).median }
  console.log(`  ${count} units wait`)
  row('sort as many numbers', samples.sort, 'cpu ms')
  row('plan after an end', samples.plan, 'cpu ms', baseline?.plan)
  row('estimate for all', samples.estimate, 'cpu ms', baseline?.estimate)
  row('add to a full queue', samples.add, 'cpu ms')
  smaller = samples
}
