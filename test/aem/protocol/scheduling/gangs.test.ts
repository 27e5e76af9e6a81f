import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  GangGathering,
  GangOffers,
  listed,
  planStarts,
  UnitQueue,
  type GangUnit,
  type NodeState,
  type Plan,
  type QueueNode,
  type UnitRequest,
} from '../../../../aem/protocol/scheduling/index.ts'
import { seededRng } from '../../../../overlay/index.ts'
import { CORES, tell, type Planted, type Story, type Told } from './gang-model.ts'
import { CAPACITY, stateOf } from './one-node.ts'

/** Gangs that want much of few nodes, in an order of events that a seed gives. */
const stories: fc.Arbitrary<{ story: Omit<Story, 'chance'>; seed: number }> = fc
  .record({
    seed: fc.integer(),
    nodesCount: fc.integer({ min: 2, max: 4 }),
    gangs: fc.array(
      fc.record({
        priority: fc.integer({ min: 0, max: 1 }),
        wants: fc.array(fc.nat(CORES), { minLength: 4, maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    alone: fc.array(fc.record({ place: fc.nat(3), cores: fc.integer({ min: 1, max: CORES }) }), { maxLength: 6 }),
  })
  .map(({ seed, nodesCount, gangs, alone }) => ({
    seed,
    story: {
      nodesCount,
      gangs: gangs.map(({ priority, wants }) => {
        const needs = new Map([...wants.entries()].filter(([node, cores]) => node < nodesCount && cores > 0))
        return { priority, needs: needs.size > 0 ? needs : new Map([[0, 1]]) }
      }),
      alone: alone.map(({ place, cores }) => ({ node: place % nodesCount, cores })),
    },
  }))

function toldOf({ story, seed }: { story: Omit<Story, 'chance'>; seed: number }, planted: Planted = {}): Told {
  const rng = seededRng(seed)
  return tell({ ...story, chance: (bound) => rng.below(bound) }, planted)
}

/** The first fault that some hundred stories show. */
function faultWith(planted: Planted): string | undefined {
  for (const each of fc.sample(stories, { numRuns: 200, seed: 1 })) {
    const { fault } = toldOf(each, planted)
    if (fault !== undefined) return fault
  }
  return undefined
}

describe('gangs that compete for the same nodes, whatever is lost, doubled or late', () => {
  test('all run in the end, whole, and no core is promised twice', () => {
    let failedRounds = 0
    fc.assert(
      fc.property(stories, (each) => {
        const told = toldOf(each)
        failedRounds += told.failedRounds
        expect(told.fault).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
    expect(failedRounds).toBeGreaterThan(0)
  })

  test('wait for each other for ever where nodes do not agree on which comes first', () => {
    class OwnOrder extends UnitQueue {
      readonly #node: QueueNode

      constructor(...parts: ConstructorParameters<typeof UnitQueue>) {
        super(...parts)
        this.#node = parts[0]
      }

      override plan(node: NodeState): Plan {
        const shareOf = ({ owner }: UnitRequest): number => this.#node.factorOf(owner, node.nowMs)
        const units = this.order(node.nowMs)
        const gangs = units.filter(({ gang }) => gang).sort((one, other) => shareOf(other) - shareOf(one))
        return planStarts(listed(units.map((unit) => (unit.gang ? gangs.shift()! : unit))), node)
      }
    }
    expect(faultWith({ queue: OwnOrder })).toContain('not over')
  })

  test('wait for each other for ever where an offer is kept until it is used', () => {
    class Keeping extends GangOffers {
      readonly #kept = new Set<string>()
      override isOffered(unitId: string): boolean {
        if (super.isOffered(unitId)) this.#kept.add(unitId)
        return this.#kept.has(unitId)
      }
      override settle(node: Parameters<GangOffers['settle']>[0]): ReturnType<GangOffers['settle']> {
        if (this.#kept.size > 0) return { starts: [], offered: [], withdrawn: [], lapsed: [] }
        const settled = super.settle(node)
        for (const unitId of settled.offered) this.#kept.add(unitId)
        return settled
      }
      override bind(...parts: Parameters<GangOffers['bind']>): ReturnType<GangOffers['bind']> {
        const bound = super.bind(...parts)
        if (typeof bound !== 'string') this.#kept.delete(parts[0])
        return bound
      }
    }
    expect(faultWith({ offers: Keeping })).toContain('not over')
  })

  test('get cores twice where a node binds what it does not offer any more', () => {
    class Binding extends GangOffers {
      readonly #units = new Map<string, GangUnit>()
      override ask(...parts: Parameters<GangOffers['ask']>): ReturnType<GangOffers['ask']> {
        this.#units.set(parts[0].unitId, parts[0])
        return super.ask(...parts)
      }
      override bind(...parts: Parameters<GangOffers['bind']>): ReturnType<GangOffers['bind']> {
        const bound = super.bind(...parts)
        return typeof bound === 'string' ? this.#units.get(parts[0])! : bound
      }
    }
    expect(faultWith({ offers: Binding })).toContain('promised')
  })
})

describe('a node', () => {
  const unit = (job: string, sinceMs: number, cores = 8): GangUnit => ({
    unitId: `${job}.0`,
    owner: 'o',
    cores,
    memoryBytes: 0,
    priority: 0,
    queuedAtMs: sinceMs,
    gang: { jobId: job, sinceMs },
  })
  const asked = { untilMs: 100, round: 1 }
  const offers = (): GangOffers => new GangOffers(new UnitQueue({ capacity: CAPACITY, factorOf: () => 1 }))

  test('takes an offer back for an older gang, and gives it again when that is gone', () => {
    const desk = offers()
    desk.ask(unit('young', 9), asked)
    expect(desk.settle(stateOf(0, []))).toMatchObject({ offered: ['young.0'], withdrawn: [], starts: [] })
    expect(desk.settle(stateOf(1, []))).toMatchObject({ offered: [], withdrawn: [] })
    desk.ask(unit('old', 3), asked)
    expect(desk.settle(stateOf(2, []))).toMatchObject({ offered: ['old.0'], withdrawn: ['young.0'] })
    expect(desk.bind('young.0', { nowMs: 2, round: 1 })).toContain('not offered')
    desk.drop('old.0')
    expect(desk.settle(stateOf(3, [])).offered).toEqual(['young.0'])
    expect(desk.bind('young.0', { nowMs: 3, round: 1 })).toBe('that round was given up')
    expect(desk.bind('young.0', { nowMs: 3, round: 2 })).toMatchObject({ unitId: 'young.0' })
    expect(desk.bind('young.0', { nowMs: 3, round: 2 })).toMatchObject({ unitId: 'young.0' })
  })

  test('does not take back what is bound, and lets it wait again when it is unbound', () => {
    const desk = offers()
    desk.ask(unit('young', 9), asked)
    desk.settle(stateOf(0, []))
    desk.bind('young.0', { nowMs: 0, round: 1 })
    desk.ask(unit('old', 3), asked)
    const bound = [{ unitId: 'young.0', cores: 8, memoryBytes: 0, startedAtMs: 0 }]
    expect(desk.settle(stateOf(1, bound))).toMatchObject({ offered: [], withdrawn: [] })
    expect(desk.unbind('young.0', { untilMs: 100, round: 0 })).toBe(false)
    expect(desk.unbind('young.0', { untilMs: 100, round: 1 })).toBe(true)
    expect(desk.settle(stateOf(2, [])).offered).toEqual(['old.0'])
    desk.drop('old.0')
    desk.settle(stateOf(3, []))
    expect(desk.bind('young.0', { nowMs: 3, round: 1 })).toBe('that round was given up')
    expect(desk.bind('young.0', { nowMs: 3, round: 2 })).toMatchObject({ unitId: 'young.0' })
  })

  test('says so when a late request has bound what was given up, and is mended by letting go', () => {
    const desk = offers()
    desk.ask(unit('a', 0), asked)
    desk.settle(stateOf(0, []))
    desk.bind('a.0', { nowMs: 0, round: 1 })
    expect(desk.ask(unit('a', 0), asked)).toEqual({ isAccepted: true })
    const next = { untilMs: 200, round: 2 }
    expect(desk.ask(unit('a', 0), next)).toMatchObject({
      isAccepted: false,
      reason: expect.stringContaining('given up'),
    })
    expect(desk.unbind('a.0', { untilMs: 100, round: 1 })).toBe(true)
    expect(desk.ask(unit('a', 0), next)).toEqual({ isAccepted: true })
  })

  test('binds none that lost its place in a full queue', () => {
    const queue = new UnitQueue({ capacity: CAPACITY, factorOf: () => 1 }, { countMax: 3 })
    const desk = new GangOffers(queue)
    for (const [place, job] of ['a', 'b', 'c'].entries()) desk.ask(unit(job, place, 2), asked)
    desk.settle(stateOf(0, []))
    const alone = { owner: 'late', cores: 1, memoryBytes: 0, priority: 0, queuedAtMs: 3 }
    expect(queue.add({ ...alone, unitId: 'd' })).toMatchObject({ displaced: { unitId: 'c.0' } })
    expect(desk.bind('a.0', { nowMs: 0, round: 1 })).toMatchObject({ unitId: 'a.0' })
    expect(desk.bind('c.0', { nowMs: 0, round: 1 })).toBe('it lost its place in the queue')
    expect(desk.settle(stateOf(0, []))).toMatchObject({ offered: [], withdrawn: [] })
  })

  test('forgets a gang that nobody asks for any more', () => {
    const desk = offers()
    desk.ask(unit('gone', 3), { untilMs: 10, round: 1 })
    desk.ask(unit('here', 9), asked)
    desk.settle(stateOf(0, []))
    expect(desk.bind('gone.0', { nowMs: 10, round: 1 })).toContain('not any more')
    expect(desk.settle(stateOf(10, []))).toMatchObject({ lapsed: ['gone.0'], offered: ['here.0'] })
  })

  test('lets those that start alone fill what a gang leaves', () => {
    const queue = new UnitQueue({ capacity: CAPACITY, factorOf: () => 1 })
    const desk = new GangOffers(queue)
    desk.ask(unit('gang', 0, 6), asked)
    queue.add({ unitId: 'alone', owner: 'p', cores: 2, memoryBytes: 0, priority: 0, queuedAtMs: 1 })
    expect(desk.settle(stateOf(1, []))).toMatchObject({ offered: ['gang.0'], starts: [{ unitId: 'alone' }] })
  })
})

test('a node lends the room of a gang that other nodes keep waiting, and has it back when they are ready', () => {
  const queue = new UnitQueue({ capacity: CAPACITY, factorOf: () => 1 })
  const desk = new GangOffers(queue)
  const alone = { owner: 'p', cores: 4, memoryBytes: 0, priority: 0, queuedAtMs: 1 }
  const gang: GangUnit = { ...alone, unitId: 'g.0', cores: 8, gang: { jobId: 'g', sinceMs: 0 }, queuedAtMs: 0 }
  desk.ask(gang, { untilMs: 9_000, round: 1, notBeforeMs: 1_000 })
  queue.add({ ...alone, unitId: 'short', limitMs: 1_000 })
  queue.add({ ...alone, unitId: 'long', limitMs: 1_001 })
  expect(desk.settle(stateOf(0, []))).toMatchObject({ offered: [], starts: [{ unitId: 'short' }] })
  queue.remove('short')
  const lent = [{ unitId: 'short', cores: 4, memoryBytes: 0, startedAtMs: 0, endsByMs: 1_000 }]
  expect(desk.roomAtMs('g.0', stateOf(0, lent))).toBe(1_000)
  expect(desk.settle(stateOf(500, lent))).toMatchObject({ offered: [], starts: [] })
  expect(desk.settle(stateOf(1_000, []))).toMatchObject({ offered: ['g.0'], starts: [] })
  expect(desk.roomAtMs('g.0', stateOf(1_000, []))).toBe(1_000)
  expect(desk.roomAtMs('nobody', stateOf(1_000, []))).toBeUndefined()
})

describe('a controller', () => {
  test('tells each node when the last of the others has room', () => {
    const gathering = new GangGathering(3)
    expect(gathering.notBeforeMs(0)).toBeUndefined()
    gathering.heardRoom(0, 10)
    expect(gathering.notBeforeMs(0)).toBeUndefined()
    expect(gathering.notBeforeMs(1)).toBe(10)
    gathering.heardRoom(1, 30)
    gathering.heardRoom(2, 20)
    expect([0, 1, 2].map((index) => gathering.notBeforeMs(index))).toEqual([30, 20, 30])
    gathering.heardRoom(1, 5)
    expect([0, 1, 2].map((index) => gathering.notBeforeMs(index))).toEqual([20, 20, 10])
  })

  test('binds when all have offered, and is placed when all are bound', () => {
    const gathering = new GangGathering(2)
    expect(gathering.heard(0, true)).toEqual({ type: 'wait' })
    expect(gathering.heard(0, false)).toEqual({ type: 'wait' })
    expect(gathering.heard(1, true)).toEqual({ type: 'wait' })
    expect(gathering.heard(0, true)).toEqual({ type: 'bind', indexes: [0, 1] })
    expect(gathering.answered(0, { round: 1, isBound: true })).toEqual({ type: 'wait' })
    expect(gathering.answered(1, { round: 1, isBound: true })).toEqual({ type: 'placed' })
    expect(gathering.phase).toBe('placed')
  })

  test('lets go of all that is bound when one is refused, and begins anew', () => {
    const gathering = new GangGathering(2)
    gathering.heard(0, true)
    gathering.heard(1, true)
    gathering.answered(0, { round: 1, isBound: false })
    expect(gathering.answered(1, { round: 1, isBound: true })).toEqual({ type: 'unbind', indexes: [1] })
    expect(gathering.heard(0, true)).toEqual({ type: 'wait' })
    gathering.letGo(1, { round: 1 })
    expect(gathering).toMatchObject({ phase: 'gathering', round: 2 })
    gathering.heard(0, true)
    expect(gathering.heard(1, true)).toMatchObject({ type: 'bind' })
    gathering.answered(0, { round: 1, isBound: false })
    gathering.answered(0, { round: 2, isBound: true })
    expect(gathering.answered(1, { round: 2, isBound: true })).toEqual({ type: 'placed' })
  })
})
