import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RoostError, seededRng } from '../../../overlay/index.ts'
import { FEED_BUFFER_COUNT_MAX, JobFeed, type JobEvent } from '../../../aem/protocol/index.ts'

const CONTROLLER = '12D3KooWJ2sZ9LSRm3Hnknode11111111111111111111111111'

function logOf(count: number): JobEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const base = { number: index + 1, atMs: 1 }
    if (index === count - 1) return { ...base, type: 'ended', state: 'done', exitCode: 0, reason: 'over' }
    return { ...base, type: 'queued', reason: `event ${index + 1}` }
  })
}

/** A feed over a log, with sleeps that end when they are told to. */
function feedOver(log: readonly JobEvent[], { from = 1, readMax = 3 } = {}) {
  const given: JobEvent[] = []
  const reads: number[] = []
  const failures: unknown[] = []
  let wake: () => void = () => undefined
  let visible = log.length
  const sleep = (): Promise<void> => new Promise((resolve) => (wake = resolve))
  const feed = new JobFeed(
    { rng: seededRng(1), sleep },
    {
      controller: CONTROLLER,
      deliver: (event) => given.push(event),
      read: async (number) => {
        reads.push(number)
        if (failures.length > 0) throw failures.shift()
        return log
          .slice(0, visible)
          .filter((event) => event.number >= number)
          .slice(0, readMax)
      },
    },
    { from },
  )
  return { feed, given, reads, failures, show: (count: number) => (visible = count), tick: () => wake() }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Time passes until a feed has come to its end. */
async function endOf(running: Promise<void>, tick: () => void): Promise<void> {
  let isOver = false
  const end = running.finally(() => (isOver = true))
  while (!isOver) {
    tick()
    await settle()
  }
  await end
}

describe('a feed', () => {
  test('reads the whole log and stops after its last event', async () => {
    const { feed, given } = feedOver(logOf(10))
    await feed.run()
    expect(given.map((event) => event.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('goes on from a cursor', async () => {
    const { feed, given } = feedOver(logOf(5), { from: 4 })
    await feed.run()
    expect(given.map((event) => event.number)).toEqual([4, 5])
  })

  test('ends at once for who has seen it all', async () => {
    const { feed, given } = feedOver(logOf(5), { from: 6 })
    await feed.run()
    expect(given).toEqual([])
  })

  test('takes a hint that is next in turn without reading', async () => {
    const log = logOf(3)
    const { feed, given, reads, show, tick } = feedOver(log)
    show(1)
    const running = feed.run()
    await settle()
    const readsBefore = reads.length
    feed.hint(CONTROLLER, log[1])
    expect(given.map((event) => event.number)).toEqual([1, 2])
    expect(reads.length).toBe(readsBefore)
    show(3)
    await endOf(running, tick)
    expect(given.length).toBe(3)
  })

  test('that hears nothing reads ever more seldom, and as often as at first when it has heard something', async () => {
    const log = logOf(9)
    const { feed, reads, show, tick } = feedOver(log)
    show(1)
    const running = feed.run()
    await settle()
    /** How many waits it takes until it reads again. */
    const waitsUntilRead = async (): Promise<number> => {
      const readsBefore = reads.length
      let count = 0
      for (; reads.length === readsBefore; count++) {
        tick()
        await settle()
      }
      return count
    }
    const counts: number[] = []
    for (let turn = 0; turn < 6; turn++) counts.push(await waitsUntilRead())
    expect(counts).toEqual([1, 2, 4, 8, 8, 8])
    feed.hint(CONTROLLER, log[1])
    show(2)
    expect([await waitsUntilRead(), await waitsUntilRead()]).toEqual([2, 1])
    feed.stop()
    tick()
    await running
  })

  test('reads when a hint leaves a gap', async () => {
    const log = logOf(4)
    const { feed, given, show } = feedOver(log)
    show(1)
    const running = feed.run()
    await settle()
    show(4)
    feed.hint(CONTROLLER, log[3])
    await running
    expect(given.map((event) => event.number)).toEqual([1, 2, 3, 4])
  })

  test('believes nobody else, but reads the log when somebody else speaks of the job: its controller may be another by now', async () => {
    const log = logOf(3)
    const { feed, given, reads, tick } = feedOver(log, { from: 2 })
    const running = feed.run()
    feed.hint('12D3KooWJ2sZ9LSRm3Hnkuser11111111111111111111111111', { ...log[1], reason: 'forged' })
    await endOf(running, tick)
    expect(given).toEqual(log.slice(1))
    expect(reads.length).toBeGreaterThan(0)
  })

  test('does not listen to anybody else, nor to what is no event', async () => {
    const log = logOf(3)
    const { feed, given, show } = feedOver(log)
    show(1)
    const running = feed.run()
    await settle()
    feed.hint('12D3KooWJ2sZ9LSRm3Hnkuser11111111111111111111111111', log[1])
    feed.hint(CONTROLLER, { type: 'ended', number: 2 })
    feed.hint(CONTROLLER, 'ended')
    expect(given.length).toBe(1)
    feed.stop()
    await running
  })

  test('tries again when the controller does not answer, and gives up when there is no such job', async () => {
    const { feed, failures, tick, given } = feedOver(logOf(2))
    failures.push(new RoostError('PEER_UNREACHABLE', 'away'))
    const running = feed.run()
    await settle()
    tick()
    await running
    expect(given.length).toBe(2)
    const other = feedOver(logOf(2))
    other.failures.push(new RoostError('JOB_NOT_FOUND', 'gone'))
    await expect(other.feed.run()).rejects.toThrowError(expect.objectContaining({ code: 'JOB_NOT_FOUND' }))
  })

  test('gives each event once and in order, whatever hints come when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.nat(399), { maxLength: 500 }),
        async (count, hints) => {
          const log = logOf(count)
          const { feed, given, show, tick } = feedOver(log, { readMax: 7 })
          show(0)
          const running = feed.run()
          await settle()
          for (const hint of hints) if (log[hint]) feed.hint(CONTROLLER, log[hint])
          show(count)
          await endOf(running, tick)
          expect(given).toEqual(log)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('keeps a bounded number of events that come ahead of their turn', async () => {
    const log = logOf(FEED_BUFFER_COUNT_MAX * 3)
    const { feed, given, show, tick } = feedOver(log, { readMax: 50 })
    show(0)
    const running = feed.run()
    await settle()
    for (const event of log.slice(1).toReversed()) feed.hint(CONTROLLER, event)
    show(log.length)
    await endOf(running, tick)
    expect(given).toEqual(log)
  })
})
