import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mintDescriptor, parseExpression, RoostError, type Descriptor, type PeerId } from '../../../overlay/index.ts'
import { Abort } from '../../../overlay/discovery/abort.ts'
import { planQuery } from '../../../overlay/placement/index.ts'
import {
  Search,
  SEARCH_DEFAULTS,
  type SearchAim,
  type SearchOptions,
  type SearchResult,
} from '../../../overlay/discovery/search.ts'
import type { CandidateSource, SeekOptions } from '../../../overlay/discovery/source.ts'
import type { LiveReply } from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'
import { VirtualTime } from './virtual-time.ts'

const PEERS = peerIds(400)
const descriptors: Descriptor[] = PEERS.map((peer, index) =>
  mintDescriptor(
    { name: `n${index}`, sequence: 1, addresses: [], attributes: {} },
    new HandEnv<never, never, never>(peer),
  ),
)
const MATCH: LiveReply = { type: 'match', attributes: {}, dynamic: {}, rank: 0 }

/** How one node answers: after so long, or never. */
interface Manner {
  readonly afterMs: number
  readonly says?: 'match' | 'no-match' | 'error' | 'cancelled'
}

interface World {
  /** What each call of the source's `more` brings, and how long it takes. */
  readonly batches: readonly { readonly count: number; readonly afterMs: number; readonly ruledOutCount?: number }[]
  readonly manner?: (index: number) => Manner
  readonly aim?: Partial<SearchAim>
  readonly options?: Partial<SearchOptions>
  readonly onMatch?: (index: number) => void
}

/** A search in a world of nodes that answer in their own time, given by a source in batches. */
class Played {
  readonly time = new VirtualTime()
  readonly signal = new Abort()
  readonly matches: { index: number; atMs: number }[] = []
  readonly doubted: number[] = []
  readonly asked: { index: number; atMs: number }[] = []
  readonly wanted: number[] = []
  waitingCount = 0
  waitingCountMax = 0
  seek: SeekOptions | undefined
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  async run(): Promise<SearchResult> {
    const { aim, options } = this.#world
    const search = new Search(
      {
        source: this.#source(),
        ask: (candidate, { timeoutMs, signal }) => this.#ask(PEERS.indexOf(candidate.peer), timeoutMs, signal as Abort),
        sleep: this.time.sleep,
        nowMs: () => this.time.nowMs,
        onMatch: ({ peer }) => {
          const index = PEERS.indexOf(peer)
          this.matches.push({ index, atMs: this.time.nowMs })
          this.#world.onMatch?.(index)
        },
        onSilent: (peer) => void this.doubted.push(PEERS.indexOf(peer)),
      },
      {
        where: 'true',
        plan: planQuery(parseExpression('true')),
        goal: { matches: 10 },
        deadlineMs: 10_000,
        except: new Set(),
        ...aim,
      },
      { ...SEARCH_DEFAULTS, ...options },
    )
    return this.time.until(search.run(this.signal))
  }

  #source(): CandidateSource {
    const { batches } = this.#world
    let nextBatch = 0
    let givenCount = 0
    return {
      seek: (_plan, options) => {
        this.seek = options
        return {
          more: async (count) => {
            this.wanted.push(count)
            const batch = batches[nextBatch++]
            if (batch === undefined) return
            if (batch.afterMs > 0) await this.time.sleep(batch.afterMs)
            options.onRuledOut(PEERS.slice(-(batch.ruledOutCount ?? 0) || PEERS.length))
            options.onFound(descriptors.slice(givenCount, (givenCount += batch.count)))
          },
          get isExhausted() {
            return nextBatch >= batches.length
          },
          get trail() {
            return {
              grouping: ['Cores'],
              cellCount: nextBatch,
              contactCount: 2 * nextBatch,
              roundTripCount: 1,
              heldCount: 0,
              failedCount: 0,
            }
          },
        }
      },
    }
  }

  async #ask(index: number, timeoutMs: number, signal: Abort): Promise<LiveReply> {
    const { afterMs, says = 'match' } = this.#world.manner?.(index) ?? { afterMs: 5 }
    this.asked.push({ index, atMs: this.time.nowMs })
    this.waitingCountMax = Math.max(this.waitingCountMax, ++this.waitingCount)
    const aborted = new Promise<'aborted'>((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
    const isAborted = (await Promise.race([this.time.sleep(Math.min(afterMs, timeoutMs)), aborted])) === 'aborted'
    this.waitingCount--
    if (isAborted) throw new RoostError('CANCELLED', 'given up')
    if (afterMs > timeoutMs) throw new RoostError('CALL_TIMEOUT', 'silent')
    if (says === 'cancelled') throw new RoostError('CANCELLED', 'a lie')
    if (says === 'error') throw new RoostError('PEER_UNREACHABLE', 'gone')
    return says === 'match' ? MATCH : { type: 'no-match' }
  }
}

const one = (count: number) => [{ count, afterMs: 0 }]
const indexes = (entries: readonly { index: number }[]): number[] => entries.map(({ index }) => index)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('a search', () => {
  test('asks no more nodes than are wanted, and ends when they have answered', async () => {
    const played = new Played({ batches: one(100) })
    const { explanation, rejections } = await played.run()
    expect(indexes(played.matches)).toEqual(upTo(10))
    expect(played.asked.length).toBe(10)
    expect(played.time.nowMs).toBe(5)
    expect(rejections).toEqual([])
    expect(explanation).toMatchObject({ reason: 'enough', complete: false, confirmedCount: 10, elapsedMs: 5 })
  })

  test('tells of each match the moment it has answered, whoever is still being asked', async () => {
    const played = new Played({ batches: one(10), manner: (index) => ({ afterMs: 100 * (10 - index) }) })
    await played.run()
    expect(played.matches).toEqual(upTo(10).map((rank) => ({ index: 9 - rank, atMs: 100 * (rank + 1) })))
  })

  test('confirms one batch while the next is under way', async () => {
    const batches = [
      { count: 4, afterMs: 0 },
      { count: 4, afterMs: 400 },
      { count: 4, afterMs: 400 },
    ]
    const played = new Played({ batches, manner: () => ({ afterMs: 50 }) })
    const { explanation } = await played.run()
    expect(played.matches.map(({ atMs }) => atMs)).toEqual([50, 50, 50, 50, 450, 450, 450, 450, 850, 850])
    expect(explanation).toMatchObject({
      reason: 'enough',
      grouping: ['Cores'],
      cellCount: 3,
      contactCount: 6,
      roundTripCount: 1,
    })
  })

  test('asks the source for what is missing, and for more where few match', async () => {
    const batches = [
      { count: 10, afterMs: 0 },
      { count: 40, afterMs: 10 },
    ]
    const manner = (index: number): Manner => ({ afterMs: 5, says: index < 8 ? 'no-match' : 'match' })
    const played = new Played({ batches, manner })
    await played.run()
    expect(played.wanted[0]).toBe(10)
    // The first answer that does not match is enough to ask for more; by then nothing says how many will match.
    expect(played.wanted[1]).toBeGreaterThanOrEqual(1)
    expect(played.wanted.length).toBe(2)
    expect(played.matches.length).toBe(10)
  })

  test('replaces who is silent or does not fit, and says so', async () => {
    const manner = (index: number): Manner =>
      index < 3 ? { afterMs: Infinity } : { afterMs: 5, says: index < 5 ? 'no-match' : index < 7 ? 'error' : 'match' }
    const played = new Played({ batches: one(30), manner })
    const { rejections, explanation } = await played.run()
    expect(played.matches.length).toBe(10)
    expect(played.time.nowMs).toBeLessThan(SEARCH_DEFAULTS.slowMs + 20)
    expect(rejections.map(({ id, reason }) => [PEERS.indexOf(id), reason])).toEqual([
      [3, 'dynamic'],
      [4, 'dynamic'],
      [5, 'silent'],
      [6, 'silent'],
    ])
    expect(played.doubted).toEqual([5, 6])
    expect(explanation).toMatchObject({ confirmedCount: 10, unfitCount: 2, silentCount: 2, askedCount: 17 })
  })

  test('asks another beside one that is slow, and takes the slow one if it answers first', async () => {
    const manner = (index: number): Manner => ({ afterMs: index === 0 ? 350 : index === 1 ? 1_000 : 5 })
    const played = new Played({ batches: one(3), manner, aim: { goal: { matches: 2 } } })
    await played.run()
    expect(played.asked).toEqual([
      { index: 0, atMs: 0 },
      { index: 1, atMs: 0 },
      { index: 2, atMs: 300 },
    ])
    expect(played.matches).toEqual([
      { index: 2, atMs: 305 },
      { index: 0, atMs: 350 },
    ])
  })

  test('begins with so many at once, and dares more with each answer, up to a bound', async () => {
    const options = { parallelCount: 4, parallelCountMax: 16 }
    const played = new Played({ batches: one(200), options, aim: { goal: { matches: 200 } } })
    await played.run()
    expect(played.asked.filter(({ atMs }) => atMs === 0).length).toBe(4)
    expect(played.waitingCountMax).toBe(16)
    expect(played.matches.length).toBe(200)
  })

  test('ends when nobody is left, and knows that it has asked everyone', async () => {
    const batches = [
      { count: 3, afterMs: 0, ruledOutCount: 2 },
      { count: 2, afterMs: 20, ruledOutCount: 1 },
    ]
    const played = new Played({ batches })
    const { explanation, rejections } = await played.run()
    expect(indexes(played.matches)).toEqual(upTo(5))
    expect(rejections.filter(({ reason }) => reason === 'static').length).toBe(3)
    expect(explanation).toMatchObject({
      reason: 'nobody-left',
      complete: true,
      consideredCount: 8,
      ruledOutCount: 3,
      askedCount: 5,
    })
  })

  test('of a goal of nodes asked, asks that many and no more, whatever they say', async () => {
    const manner = (index: number): Manner => ({ afterMs: 5, says: index % 2 === 0 ? 'match' : 'no-match' })
    const played = new Played({ batches: one(100), manner, aim: { goal: { asked: 40 } } })
    const { explanation } = await played.run()
    expect(played.asked.length).toBe(40)
    expect(explanation).toMatchObject({ reason: 'enough', confirmedCount: 20, unfitCount: 20, complete: false })
  })

  test('keeps its deadline to the millisecond while everyone is silent, and what it found by then', async () => {
    const manner = (index: number): Manner => ({ afterMs: index < 2 ? 10 : Infinity })
    const played = new Played({ batches: one(50), manner, aim: { deadlineMs: 1_234 } })
    const { explanation } = await played.run()
    expect(played.time.nowMs).toBe(1_234)
    expect(played.matches.length).toBe(2)
    expect(explanation).toMatchObject({ reason: 'deadline', complete: false, confirmedCount: 2, elapsedMs: 1_234 })
    expect(explanation.silentCount).toBe(explanation.askedCount - 2)
    expect(played.waitingCount).toBe(0)
  })

  test('keeps its deadline while the source brings nothing', async () => {
    const played = new Played({ batches: [{ count: 5, afterMs: 60_000 }], aim: { deadlineMs: 700 } })
    const { explanation } = await played.run()
    expect(played.time.nowMs).toBe(700)
    expect(explanation).toMatchObject({ reason: 'deadline', complete: false, askedCount: 0 })
    expect(played.seek!.signal.aborted).toBe(true)
  })

  test('doubts nobody who had no time to answer', async () => {
    const played = new Played({ batches: one(5), manner: () => ({ afterMs: Infinity }), aim: { deadlineMs: 100 } })
    expect((await played.run()).explanation.silentCount).toBe(5)
    expect(played.doubted).toEqual([])
  })

  test('asks nobody any more once it is given up', async () => {
    const played = new Played({ batches: one(300), manner: () => ({ afterMs: Infinity }) })
    void played.time.sleep(450).then(() => played.signal.abort())
    await expect(played.run()).rejects.toMatchObject({
      code: 'CANCELLED',
      data: { explanation: { reason: 'cancelled', complete: false } },
    })
    expect(played.time.nowMs).toBe(450)
    const askedCount = played.asked.length
    await played.time.until(played.time.sleep(5_000))
    expect(played.asked.length).toBe(askedCount)
    expect(played.waitingCount).toBe(0)
    expect(played.doubted).toEqual([])
  })

  test('is not ended by a node that answers as if it were', async () => {
    const played = new Played({
      batches: one(20),
      manner: (index) => ({ afterMs: 5, says: index === 0 ? 'cancelled' : 'match' }),
    })
    const { explanation } = await played.run()
    expect(explanation).toMatchObject({ reason: 'enough', confirmedCount: 10, silentCount: 1 })
  })

  test('ends with the node itself', async () => {
    const played = new Played({ batches: one(20), manner: () => ({ afterMs: Infinity }) })
    played.time.stopAtMs = 250
    await expect(played.run()).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('asks nobody at all where it was given up before', async () => {
    const played = new Played({ batches: one(3) })
    played.signal.abort()
    await expect(played.run()).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(played.asked).toEqual([])
    expect(played.wanted).toEqual([])
  })

  test('ends with what whoever listens throws', async () => {
    const played = new Played({
      batches: one(30),
      onMatch: (index) => {
        if (index === 2) throw new RoostError('CONFLICT', 'no more')
      },
    })
    await expect(played.run()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(played.matches.length).toBe(3)
  })

  test('leaves out whom it is told to, even where the source gives them', async () => {
    const except = new Set<PeerId>([PEERS[0]!, PEERS[3]!])
    const played = new Played({ batches: one(6), aim: { except } })
    const { explanation } = await played.run()
    expect(indexes(played.matches)).toEqual([1, 2, 4, 5])
    expect(explanation).toMatchObject({ consideredCount: 4, complete: true })
  })

  test('law: in any world it ends by its deadline, with no node twice, and its counts add up', async () => {
    const manner = fc.oneof(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 3_000 }),
        says: fc.constantFrom('match', 'no-match', 'error', 'cancelled'),
      }),
      fc.constant({ afterMs: Infinity }),
    ) as fc.Arbitrary<Manner>
    const batch = fc.record({
      count: fc.integer({ min: 0, max: 20 }),
      afterMs: fc.integer({ min: 0, max: 1_000 }),
      ruledOutCount: fc.integer({ min: 0, max: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { maxLength: 6 }),
        fc.array(manner, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5_000 }),
        async (batches, manners, count, isRanked, deadlineMs) => {
          const played = new Played({
            batches,
            manner: (index) => manners[index % manners.length]!,
            aim: { goal: isRanked ? { asked: count } : { matches: count }, deadlineMs },
          })
          const { explanation, rejections } = await played.run()
          expect(played.time.nowMs).toBeLessThanOrEqual(deadlineMs)
          expect(new Set(indexes(played.matches)).size).toBe(played.matches.length)
          expect(new Set(indexes(played.asked)).size).toBe(played.asked.length)
          if (!isRanked) expect(played.matches.length).toBeLessThanOrEqual(count)
          const { confirmedCount, unfitCount, silentCount, askedCount, ruledOutCount, reason, complete } = explanation
          expect(confirmedCount).toBe(played.matches.length)
          expect(askedCount).toBe(played.asked.length)
          expect(rejections.length).toBe(unfitCount + silentCount + ruledOutCount)
          expect(confirmedCount + unfitCount + silentCount).toBeLessThanOrEqual(askedCount)
          if (reason === 'enough') expect(isRanked || confirmedCount === count).toBe(true)
          // Everybody who can match and answers within the bound is in a complete result.
          if (complete) {
            const canMatch = upTo(batches.reduce((sum, { count: given }) => sum + given, 0)).filter((index) => {
              const { afterMs, says = 'match' } = manners[index % manners.length]!
              return says === 'match' && afterMs <= SEARCH_DEFAULTS.silentMs
            })
            expect(indexes(played.matches).sort((a, b) => a - b)).toEqual(canMatch)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
