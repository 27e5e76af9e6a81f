import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnitQueue, type Occupied } from '../../../aem/protocol/scheduling/index.ts'
import {
  boundedSlowdown,
  jain,
  measureSchedule,
  POLICIES,
  readWorkload,
  scheduleCentrally,
} from '../../../sim/workload/index.ts'
import type { Policy, Scheduled, WorkloadJob } from '../../../sim/workload/index.ts'
import { casePath } from '../cases.ts'

function job(id: number, fields: Partial<WorkloadJob> = {}): WorkloadJob {
  const runMs = fields.runMs ?? 10
  return { id, submitMs: 0, cores: 1, runMs, limitMs: runMs, memoryBytes: 0, user: 1, after: [], thinkMs: 0, ...fields }
}

const startsOf = (jobs: readonly WorkloadJob[], cores: number, policy: Policy): Record<number, number> =>
  Object.fromEntries(scheduleCentrally(jobs, cores, policy).map(({ job: { id }, startMs }) => [id, startMs]))

const workloads = fc
  .array(
    fc.record({
      submitMs: fc.nat(300),
      cores: fc.integer({ min: 1, max: 8 }),
      runMs: fc.integer({ min: 0, max: 100 }),
      slackMs: fc.option(fc.nat(100), { nil: undefined }),
      user: fc.nat(3),
      after: fc.array(fc.nat(40), { maxLength: 2 }),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(({ slackMs, runMs, after, ...rest }, id): WorkloadJob => {
      const { limitMs: _, ...base } = job(id, { ...rest, runMs, after: after.filter((before) => before < id) })
      return slackMs === undefined ? base : { ...base, limitMs: runMs + slackMs }
    }),
  )

/** The most cores in use at one moment. */
function peakOf(scheduled: readonly Scheduled[]): number {
  const changes = scheduled.flatMap(({ job: { cores }, startMs, endMs }) => [
    { atMs: startMs, cores },
    { atMs: endMs, cores: -cores },
  ])
  changes.sort((one, other) => one.atMs - other.atMs || one.cores - other.cores)
  let [taken, peak] = [0, 0]
  for (const { cores } of changes) peak = Math.max(peak, (taken += cores))
  return peak
}

/** The same machine, planned by the queue that nodes have. */
function scheduleByQueue(jobs: readonly WorkloadJob[], cores: number): Record<number, number> {
  const queue = new UnitQueue({ capacity: { cores, memoryBytes: 0 }, factorOf: () => 1 })
  const jobOf = new Map(jobs.map((each) => [String(each.id).padStart(9, '0'), each]))
  const ends = new Map<string, number>()
  const running = new Map<string, Occupied>()
  const starts: Record<number, number> = {}
  let next = 0
  for (;;) {
    const nowMs = Math.min(jobs[next]?.submitMs ?? Infinity, ...ends.values())
    if (nowMs === Infinity) return starts
    for (const [unitId, endMs] of ends) if (endMs <= nowMs && ends.delete(unitId)) running.delete(unitId)
    for (; next < jobs.length && jobs[next]!.submitMs <= nowMs; next++) {
      const { id, cores: wanted, limitMs } = jobs[next]!
      const unit = { unitId: String(id).padStart(9, '0'), owner: 'o', priority: 0, queuedAtMs: nowMs }
      queue.add({ ...unit, cores: wanted, memoryBytes: 0, limitMs: limitMs! })
    }
    let free = cores
    for (const unit of running.values()) free -= unit.cores
    const node = { nowMs, running: [...running.values()], free: { cores: free, memoryBytes: 0 } }
    for (const { unitId, cores: wanted } of queue.plan(node).starts) {
      const { id, runMs, limitMs } = jobOf.get(unitId)!
      queue.remove(unitId)
      starts[id] = nowMs
      ends.set(unitId, nowMs + runMs)
      running.set(unitId, { unitId, cores: wanted, memoryBytes: 0, startedAtMs: nowMs, endsByMs: nowMs + limitMs! })
    }
  }
}

describe('by hand, on 4 cores', () => {
  // 1 takes 3 cores for 10; 2 wants all 4; 3 ends with 1; 4 would outlast it; 5 comes when all are waiting.
  const jobs = [
    job(1, { cores: 3, runMs: 10 }),
    job(2, { cores: 4, runMs: 5 }),
    job(3, { cores: 1, runMs: 10 }),
    job(4, { cores: 1, runMs: 11 }),
    job(5, { cores: 1, runMs: 2, submitMs: 11 }),
  ]

  test('first come, first served leaves the gap', () => {
    expect(startsOf(jobs, 4, 'fcfs')).toEqual({ 1: 0, 2: 10, 3: 15, 4: 15, 5: 15 })
  })

  test('backfill fills it with what is over in time', () => {
    expect(startsOf(jobs, 4, 'easy')).toEqual({ 1: 0, 2: 10, 3: 0, 4: 15, 5: 15 })
  })

  test('backfill lets pass what needs only cores that the first leaves, until they are gone', () => {
    const spare = [
      job(1, { cores: 2, runMs: 10 }),
      job(2, { cores: 3, runMs: 10 }),
      job(3, { cores: 1, runMs: 100 }),
      job(4, { cores: 1, runMs: 100 }),
    ]
    expect(startsOf(spare, 4, 'easy')).toEqual({ 1: 0, 2: 10, 3: 0, 4: 20 })
  })

  test('a job that ends before its limit lets the next start at once', () => {
    const early = [job(1, { cores: 4, runMs: 3, limitMs: 50 }), job(2, { cores: 4 })]
    expect(startsOf(early, 4, 'easy')).toEqual({ 1: 0, 2: 3 })
  })

  test('behind a job without limit nobody passes on time', () => {
    const { limitMs: _, ...endless } = job(1, { cores: 3, runMs: 10 })
    const list = [endless, job(2, { cores: 4 }), job(3, { cores: 1, runMs: 1 })]
    expect(startsOf(list, 4, 'easy')).toEqual({ 1: 0, 2: 10, 3: 20 })
  })

  test('a job waits for those that it comes after, and its user thinks', () => {
    const chain = [job(1), job(2, { after: [1], thinkMs: 5 }), job(3, { after: [1, 2], submitMs: 100 })]
    expect(scheduleCentrally(chain, 4, 'fcfs')).toMatchObject([
      { startMs: 0 },
      { readyMs: 15, startMs: 15 },
      { readyMs: 100, startMs: 100 },
    ])
  })

  test('jobs that are too wide, or that wait for each other, are refused', () => {
    expect(() => scheduleCentrally([job(1, { cores: 5 })], 4, 'easy')).toThrow(/job 1 needs 5 cores/)
    expect(() => scheduleCentrally([job(1, { after: [2] }), job(2, { after: [1] })], 4, 'fcfs')).toThrow(
      /wait for each other/,
    )
  })
})

describe.each(POLICIES)('%s, whatever comes', (policy) => {
  test('runs every job once, when it is ready, on cores that no other has', () => {
    fc.assert(
      fc.property(workloads, (jobs) => {
        const scheduled = scheduleCentrally(jobs, 8, policy)
        expect(new Set(scheduled.map(({ job: { id } }) => id)).size).toBe(jobs.length)
        expect(peakOf(scheduled)).toBeLessThanOrEqual(8)
        const endOf = new Map(scheduled.map(({ job: { id }, endMs }) => [id, endMs]))
        for (const { job: each, readyMs, startMs, endMs } of scheduled) {
          expect(endMs).toBe(startMs + each.runMs)
          expect(startMs).toBeGreaterThanOrEqual(readyMs)
          expect(readyMs).toBe(Math.max(each.submitMs, ...each.after.map((before) => endOf.get(before)!)))
        }
      }),
    )
  })
})

test('first come, first served never lets one pass another', () => {
  fc.assert(
    fc.property(workloads, (jobs) => {
      const scheduled = scheduleCentrally(jobs, 8, 'fcfs')
      for (const [index, { readyMs }] of scheduled.entries())
        if (index > 0) expect(readyMs).toBeGreaterThanOrEqual(scheduled[index - 1]!.readyMs)
    }),
  )
})

test('a node of all cores, planned by its queue, starts each job when central backfill does', () => {
  const plain = workloads.map((jobs) =>
    jobs
      .map((each): WorkloadJob => ({ ...each, after: [], limitMs: each.limitMs ?? each.runMs + 50 }))
      .filter(({ runMs }) => runMs > 0)
      .sort((one, other) => one.submitMs - other.submitMs || one.id - other.id),
  )
  fc.assert(
    fc.property(plain, (jobs) => {
      expect(scheduleByQueue(jobs, 8)).toEqual(startsOf(jobs, 8, 'easy'))
    }),
  )
})

describe('figures', () => {
  const ran = (readyMs: number, startMs: number, endMs: number, user = 1): Scheduled => ({
    job: job(0, { user, cores: 2 }),
    readyMs,
    startMs,
    endMs,
  })

  test('a slowdown is bounded below by 1, and for short jobs by what ten seconds would have suffered', () => {
    expect(boundedSlowdown(ran(0, 0, 60_000))).toBe(1)
    expect(boundedSlowdown(ran(0, 60_000, 120_000))).toBe(2)
    expect(boundedSlowdown(ran(0, 1_000, 1_001))).toBe(1)
    expect(boundedSlowdown(ran(0, 99_000, 100_000))).toBe(10)
  })

  test('fairness is 1 where all fare alike, and 1/n where one has it all', () => {
    expect(jain([3, 3, 3])).toBeCloseTo(1, 12)
    expect(jain([1, 0, 0, 0])).toBe(0.25)
    expect(jain([])).toBe(1)
  })

  test('are those of the schedule', () => {
    const figures = measureSchedule([ran(0, 0, 20_000), ran(10_000, 20_000, 40_000, 2)], 4)
    expect(figures).toEqual({
      jobs: 2,
      waitMs: { mean: 5_000, p50: 0, p99: 10_000 },
      slowdown: { mean: 1.25, p50: 1, p99: 1.5 },
      utilisation: 0.5,
      makespanMs: 40_000,
      fairness: 2.5 ** 2 / (2 * (1 + 1.5 ** 2)),
    })
    expect(measureSchedule([], 4)).toMatchObject({ jobs: 0, utilisation: 0, fairness: 1 })
  })
})

describe('on real logs', () => {
  const hpc2n = casePath('workload/hpc2n-sample.swf')
  test.skipIf(!hpc2n).each([1, 1.5, 2])(
    'at load times %d, backfill lets jobs wait less than first come, first served',
    (loadFactor) => {
      const { jobs, cores } = readWorkload('--workload', hpc2n!, { loadFactor })
      const [fcfs, easy] = POLICIES.map((policy) => {
        const scheduled = scheduleCentrally(jobs, cores, policy)
        expect(scheduled.length).toBe(jobs.length)
        expect(peakOf(scheduled)).toBeLessThanOrEqual(cores)
        return measureSchedule(scheduled, cores)
      })
      expect(easy!.waitMs.mean).toBeLessThan(fcfs!.waitMs.mean)
      expect(easy!.slowdown.mean).toBeLessThan(fcfs!.slowdown.mean)
      expect(easy!.utilisation).toBeGreaterThanOrEqual(fcfs!.utilisation)
    },
  )

  test.skipIf(!hpc2n)('a node of all cores, planned by its queue, starts each job when central backfill does', () => {
    const { jobs, cores } = readWorkload('--workload', hpc2n!)
    expect(scheduleByQueue(jobs, cores)).toEqual(startsOf(jobs, cores, 'easy'))
  })

  const graphs = casePath('workload/FIT-jaros2.swf')
  test.skipIf(!graphs).each(POLICIES)('%s starts no task before those that it comes after', (policy) => {
    const { jobs, cores } = readWorkload('--workload', graphs!)
    const ends = new Map<number, number>()
    for (const { job: each, startMs, endMs } of scheduleCentrally(jobs, cores, policy)) {
      for (const before of each.after) expect(ends.get(before)).toBeLessThanOrEqual(startMs)
      ends.set(each.id, endMs)
    }
  })
})
