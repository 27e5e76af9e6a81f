import { describe, expect, test } from 'vitest'
import { RoostError, type FindResult, type NodeInfo, type PeerId } from '../../../overlay/index.ts'
import { decode, encode } from '../../../node/codec/index.ts'
import { uniformLatency } from '../../../sim/engine/index.ts'
import { componentSizes, FRESH_SEED, Grid } from './grid.ts'

const LAN = uniformLatency({ minMs: 0.2, maxMs: 3 })
const FIND = { timeoutMs: 10_000 }

/** A grid in which everybody knows everybody. */
async function settled(options: ConstructorParameters<typeof Grid>[0]): Promise<Grid> {
  const grid = new Grid({ latency: LAN, ...options })
  expect(await grid.agreesWithin(60_000)).toBe(true)
  return grid
}

const idsOf = ({ candidates }: FindResult): PeerId[] => candidates.map(({ id }) => id)

describe('find', () => {
  test('returns as many as are wanted of those that match, its own node among them', async () => {
    const grid = await settled({ count: 12 })
    const [asker] = grid.up()
    const three = await grid.ask(() => asker!.find({ where: 'Cores >= 6', count: 3 }, FIND))
    expect(three.candidates.length).toBe(3)
    for (const { attributes } of three.candidates) expect(attributes['Cores']).toBeGreaterThanOrEqual(6)
    const all = await grid.ask(() => asker!.find({ where: 'true', count: 100 }, FIND))
    expect(new Set(idsOf(all))).toEqual(new Set(grid.ids))
    expect(all.rejections).toEqual([])
  })

  test('finds nothing where nothing matches, and says why not', async () => {
    const grid = await settled({ count: 4, attributes: (index) => ({ Cores: index === 0 ? 1 : 8 }) })
    const discovery = grid.up()[1]!
    for (const other of grid.up()) other.offer('test', () => ({ FreeCores: 0 }))
    const result = await grid.ask(() => discovery.find({ where: 'Cores >= 8 && FreeCores > 0', count: 2 }, FIND))
    expect(result.candidates).toEqual([])
    const reasons = new Map(result.rejections.map(({ id, reason }) => [id, reason]))
    expect(grid.ids.map((id) => reasons.get(id))).toEqual(['static', 'dynamic', 'dynamic', 'dynamic'])
  })

  test('asks for dynamic attributes at the moment, and ranks best first', async () => {
    const grid = await settled({ count: 10 })
    let round = 0
    for (const [index, discovery] of grid.up().entries())
      discovery.offer('test', () => ({ FreeCores: (index * 7 + round) % 10 }))
    const find = (): Promise<FindResult> =>
      grid.ask(() => grid.up()[0]!.find({ where: 'FreeCores > 2', rank: 'FreeCores', count: 4 }, FIND))
    expect((await find()).candidates.map(({ rank }) => rank)).toEqual([9, 8, 7, 6])
    const [best] = idsOf(await find())
    round = 1
    expect((await find()).candidates.map(({ attributes }) => attributes['FreeCores'])).toEqual([9, 8, 7, 6])
    expect(idsOf(await find())[0]).not.toBe(best)
  })

  test('leaves out whom it is told not to ask', async () => {
    const grid = await settled({ count: 5 })
    const except = new Set(grid.ids.slice(0, 2))
    const result = await grid.ask(() => grid.up()[0]!.find({ where: 'true', count: 9 }, { ...FIND, except }))
    expect(new Set(idsOf(result))).toEqual(new Set(grid.ids.slice(2)))
  })

  test('replaces silent nodes by others, and returns none that does not answer', async () => {
    const grid = await settled({ count: 12 })
    const dead = grid.ids.slice(6)
    for (const id of dead) grid.simulation.crash(id)
    const startMs = grid.simulation.nowMs
    const result = await grid.ask(() => grid.up()[0]!.find({ where: 'true', count: 6 }, FIND))
    expect(new Set(idsOf(result))).toEqual(new Set(grid.ids.slice(0, 6)))
    expect(grid.simulation.nowMs - startMs).toBeLessThan(3_000)
  })

  test('keeps its deadline, and what it found by then', async () => {
    const grid = await settled({ count: 12 })
    for (const id of grid.ids.slice(4)) grid.simulation.crash(id)
    const startMs = grid.simulation.nowMs
    const result = await grid.ask(() => grid.up()[0]!.find({ where: 'true', count: 12 }, { timeoutMs: 1_000 }))
    expect(grid.simulation.nowMs - startMs).toBeLessThanOrEqual(1_001)
    expect(new Set(idsOf(result))).toEqual(new Set(grid.ids.slice(0, 4)))
  })

  test('is given up when its signal says so', async () => {
    const grid = await settled({ count: 3 })
    for (const id of grid.ids.slice(1)) grid.simulation.crash(id)
    const abort = new AbortController()
    grid.simulation.act(100, () => abort.abort())
    const startMs = grid.simulation.nowMs
    await expect(
      grid.ask(() => grid.up()[0]!.find({ where: 'true', count: 3 }, { ...FIND, signal: abort.signal })),
    ).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(grid.simulation.nowMs - startMs).toBeLessThan(200)
  })

  test.each([
    [{ where: 'Cores >=', count: 1 }, 'EXPRESSION_MALFORMED'],
    [{ where: 'true', rank: '(', count: 1 }, 'EXPRESSION_MALFORMED'],
    [{ where: ' '.repeat(20_000), count: 1 }, 'EXPRESSION_TOO_LARGE'],
    [{ where: 'true', count: 0 }, 'USAGE'],
    [{ where: 'true', count: 1.5 }, 'USAGE'],
  ])('refuses query %# for what is wrong with it', async (query, code) => {
    const grid = new Grid({ count: 1 })
    await expect(grid.ask(() => grid.up()[0]!.find(query, FIND))).rejects.toMatchObject({ code })
  })
})

describe('what a node says of itself', () => {
  test('a new label is found from every node within seconds', async () => {
    const grid = await settled({ count: 40 })
    await grid.simulation.run(20_000)
    grid.simulation.act(0, () => grid.up()[7]!.update({ attributes: { Cores: 4, 'gpu.driver': 550 } }))
    await grid.simulation.run(2_000)
    for (const discovery of grid.up()) {
      const result = await grid.ask(() => discovery.find({ where: 'gpu.driver >= 550', count: 5 }, FIND))
      expect(idsOf(result)).toEqual([grid.ids[7]])
    }
  })

  test('a dynamic attribute that no table knows is found once a plugin offers it, and gone when it stops', async () => {
    const grid = await settled({ count: 8 })
    let stop = (): void => {}
    grid.simulation.act(0, () => void (stop = grid.up()[3]!.offer('toy', () => ({ 'toy.heat': 60 }))))
    await grid.simulation.run(2_000)
    const find = (): Promise<FindResult> =>
      grid.ask(() => grid.up()[0]!.find({ where: 'toy.heat > 50', count: 5 }, FIND))
    expect(idsOf(await find())).toEqual([grid.ids[3]])
    stop()
    expect(idsOf(await find())).toEqual([])
  })

  test('a source that fails leaves the others in place, and is reported', async () => {
    const grid = await settled({ count: 2 })
    const other = grid.up()[1]!
    other.offer('broken', () => {
      throw new RoostError('INTERNAL', 'broken')
    })
    other.offer('odd', () => ({ 'no name': 1 }))
    other.offer('good', () => ({ FreeCores: 2 }))
    const result = await grid.ask(() => grid.up()[0]!.find({ where: 'FreeCores == 2', count: 2 }, FIND))
    expect(idsOf(result)).toEqual([grid.ids[1]])
    const failed = grid.events.flatMap((event) => (event.type === 'offer-failed' ? [event.source] : []))
    expect(new Set(failed)).toEqual(new Set(['broken', 'odd']))
  })

  test('whoever watches hears of joins, labels, deaths and leavings', async () => {
    const grid = await settled({ count: 3 })
    const heard: NodeInfo[] = []
    const stop = grid.up()[0]!.watch((node) => heard.push(node))
    const joined = grid.add({ Cores: 2 })
    await grid.simulation.run(2_000)
    expect(heard).toContainEqual(expect.objectContaining({ id: joined, state: 'alive', attributes: { Cores: 2 } }))
    grid.simulation.act(0, () => grid.at(joined).update({ attributes: { Cores: 3 } }))
    await grid.simulation.run(2_000)
    expect(heard.at(-1)).toMatchObject({ id: joined, state: 'alive', attributes: { Cores: 3 } })
    grid.simulation.act(0, () => grid.at(joined).leave())
    await grid.simulation.run(1_000)
    expect(heard.at(-1)).toMatchObject({ id: joined, state: 'left' })
    grid.simulation.crash(grid.ids[1]!)
    await grid.simulation.run(12_000)
    expect(heard.at(-1)).toMatchObject({ id: grid.ids[1], state: 'dead' })
    stop()
    const { length } = heard
    grid.simulation.restart(grid.ids[1]!)
    await grid.simulation.run(5_000)
    expect(heard.length).toBe(length)
  })
})

describe('membership in a grid', () => {
  test.each([[5], [10], [40]])('finds a killed node of %i within ten seconds, and nobody else', async (count) => {
    const grid = await settled({ count })
    await grid.simulation.run(10_000)
    const victim = grid.ids[count - 1]!
    grid.simulation.crash(victim)
    const isFound = (): boolean => grid.up().every((discovery) => discovery.get(victim)?.state === 'dead')
    expect(await grid.simulation.until(isFound, 10_000)).toBe(true)
    await grid.simulation.run(30_000)
    expect(grid.agrees()).toBe(true)
    for (const discovery of grid.up())
      expect(
        discovery
          .list()
          .filter(({ state }) => state !== 'alive')
          .map(({ id }) => id),
      ).toEqual([victim])
  })

  test('suspects nobody in ten quiet minutes', async () => {
    const grid = await settled({ count: 20 })
    let suspicions = 0
    for (const discovery of grid.up()) discovery.watch(({ state }) => void (state !== 'alive' && suspicions++))
    await grid.simulation.run(600_000)
    expect(suspicions).toBe(0)
  })

  test('at 5 % loss next to nobody is taken for dead in ten minutes, and whoever was is back', async () => {
    const grid = await settled({ count: 30, latency: uniformLatency({ minMs: 5, maxMs: 40 }) })
    grid.simulation.network.lossShare = 0.05
    let deaths = 0
    for (const discovery of grid.up()) discovery.watch(({ state }) => void (state === 'dead' && deaths++))
    await grid.simulation.run(600_000)
    expect(deaths).toBeLessThanOrEqual(30)
    grid.simulation.network.lossShare = 0
    expect(await grid.agreesWithin(30_000)).toBe(true)
  })

  test('a node that leaves is known to have left at once, everywhere', async () => {
    const grid = await settled({ count: 20 })
    const leaver = grid.ids[9]!
    grid.simulation.act(0, () => grid.at(leaver).leave())
    await grid.simulation.run(1_500)
    grid.simulation.stop(leaver)
    for (const discovery of grid.up()) expect(discovery.get(leaver)?.state).toBe('left')
  })

  test('a partition that heals is one grid again, however long it lasted', async () => {
    for (const cutMs of [60_000, 600_000])
      for (const seed of [1, 2, 3]) {
        const grid = await settled({ seed, count: 20 })
        const half = grid.ids.slice(0, 10)
        grid.simulation.network.partition([half])
        const isApart = (): boolean =>
          grid.up().every((discovery) => discovery.list().filter(({ state }) => state === 'dead').length === 10)
        expect(await grid.simulation.until(isApart, 60_000)).toBe(true)
        await grid.simulation.run(cutMs)
        grid.simulation.network.heal()
        expect(await grid.agreesWithin(15_000)).toBe(true)
        const result = await grid.ask(() => grid.up()[0]!.find({ where: 'true', count: 100 }, FIND))
        expect(result.candidates.length).toBe(20)
      }
  })

  test('two nodes find each other again soon, though nobody else calls them', async () => {
    const grid = await settled({ count: 2 })
    grid.simulation.network.partition([[grid.ids[0]!]])
    await grid.simulation.run(600_000)
    grid.simulation.network.heal()
    expect(await grid.agreesWithin(20_000)).toBe(true)
  })

  test('a partition that outlasts all memory of the other side heals too', async () => {
    const grid = await settled({ count: 10, discovery: { membership: { rememberMs: 60_000 } } })
    await grid.simulation.run(60_000)
    grid.simulation.network.partition([grid.ids.slice(0, 5)])
    await grid.simulation.run(300_000)
    for (const discovery of grid.up()) expect(discovery.list().length).toBe(5)
    grid.simulation.network.heal()
    expect(await grid.agreesWithin(120_000)).toBe(true)
  })

  test('a node that stood still for a minute or an hour comes back at once, and has buried nobody', async () => {
    for (const network of ['held', 'lost'] as const)
      for (const sleepMs of [60_000, 3_600_000]) {
        const grid = await settled({ count: 10 })
        const sleeper = grid.ids[4]!
        grid.simulation.pause(sleeper, network)
        await grid.simulation.run(sleepMs)
        grid.simulation.resume(sleeper)
        let deaths = 0
        grid.at(sleeper).watch(({ state }) => void (state === 'dead' && deaths++))
        expect(await grid.agreesWithin(5_000)).toBe(true)
        expect(deaths).toBe(0)
      }
  })

  test('a node that moved is dialed where it is, whatever is remembered of it', async () => {
    const grid = await settled({ count: 12 })
    await grid.simulation.run(60_000)
    const mover = grid.ids[3]!
    const addresses = ['/ip4/127.0.0.1/tcp/999']
    grid.simulation.act(0, () => grid.at(mover).update({ addresses }))
    await grid.simulation.run(2_000)
    for (let second = 0; second < 120; second++) {
      await grid.simulation.run(1_000)
      for (const [id, dialed] of grid.dialed) if (id !== mover) expect(dialed.get(mover)).toEqual(addresses)
    }
  })
})

describe('coming back', () => {
  test('a node that restarts is back with a later word, with no help from the node that it first joined', async () => {
    const grid = await settled({ count: 6 })
    await grid.simulation.run(60_000)
    const [first, second] = grid.ids as [PeerId, PeerId]
    const before = grid.at(second).own().sequence
    grid.simulation.crash(first)
    grid.simulation.crash(second)
    await grid.simulation.run(30_000)
    grid.simulation.restart(second)
    expect(await grid.agreesWithin(10_000)).toBe(true)
    expect(grid.at(second).own().sequence).toBeGreaterThan(before)
  })

  test('a node has the others on its disk two seconds after it knows them', async () => {
    const grid = await settled({ count: 3 })
    await grid.simulation.run(2_000)
    const [, second, third] = grid.ids as [PeerId, PeerId, PeerId]
    expect(JSON.stringify(grid.disks.get(second)!.read('discovery'))).toContain(third)
  })

  test('a node whose clock went back an hour, on an empty disk, is believed', async () => {
    const grid = await settled({ count: 4 })
    await grid.simulation.run(60_000)
    const id = grid.ids[2]!
    grid.simulation.crash(id)
    grid.simulation.jumpWall(id, -3_600_000)
    grid.disks.get(id)!.erase()
    await grid.simulation.run(15_000)
    grid.simulation.restart(id)
    expect(await grid.agreesWithin(10_000)).toBe(true)
  })

  test('a grid that was switched off as a whole finds itself again from the disks alone', async () => {
    const grid = await settled({ count: 12 })
    await grid.simulation.run(60_000)
    for (const id of grid.ids) grid.simulation.crash(id)
    await grid.simulation.run(60_000)
    for (const id of grid.ids.slice(1)) grid.simulation.restart(id)
    expect(await grid.agreesWithin(60_000)).toBe(true)
  })

  test('a damaged file of the past is reported and does without', async () => {
    const grid = new Grid({ count: 2, discovery: { kept: { sequence: 'x' } } })
    expect(grid.events.map(({ type }) => type)).toContain('kept-damaged')
    expect(await grid.agreesWithin(60_000)).toBe(true)
  })
})

describe('a few hundred nodes', () => {
  test('have views like a random graph, and wash out the dead after half of them vanished', async () => {
    const grid = await settled({ count: 300 })
    await grid.simulation.run(60_000)
    const inDegrees = new Map(grid.ids.map((id) => [id, 0]))
    for (const discovery of grid.up())
      for (const { peer } of discovery.sampled()) inDegrees.set(peer, inDegrees.get(peer)! + 1)
    const mean = [...inDegrees.values()].reduce((sum, degree) => sum + degree, 0) / 300
    const variance = [...inDegrees.values()].reduce((sum, degree) => sum + (degree - mean) ** 2, 0) / 300
    expect(mean).toBeGreaterThan(18)
    expect(Math.sqrt(variance)).toBeLessThan(4.5)

    for (const id of grid.ids.filter((_, index) => index % 2 === 0)) grid.simulation.crash(id)
    await grid.simulation.run(40_000)
    const upIds = new Set(grid.simulation.upIds)
    const links = grid.up().flatMap((discovery) => discovery.sampled().map(({ peer }) => peer))
    expect(links.filter((peer) => !upIds.has(peer)).length / links.length).toBeLessThan(0.01)
    expect(
      componentSizes([...upIds], (id) =>
        grid
          .at(id)
          .sampled()
          .map(({ peer }) => peer),
      ),
    ).toEqual([150])

    const result = await grid.ask(() => grid.up()[0]!.find({ where: 'Cores >= 4', count: 300 }, FIND))
    expect(result.candidates.length).toBe(150)
    expect(idsOf(result).every((id) => upIds.has(id))).toBe(true)
  })
})

test(`any run: after crashes, restarts and loss one grid answers, and nobody wrongly (ROOST_SEED=${FRESH_SEED} npx vitest run test/overlay/discovery)`, async () => {
  const grid = await settled({ seed: FRESH_SEED, count: 24, passage: { encode, decode } })
  const { simulation } = grid
  for (const discovery of grid.up()) discovery.offer('test', () => ({ FreeCores: 2 }))
  simulation.network.lossShare = 0.02
  for (let step = 0; step < 12; step++) {
    const id = grid.ids[simulation.chance.below(grid.ids.length)]!
    if (simulation.isUp(id)) simulation.crash(id)
    else simulation.restart(id)
    await simulation.run(simulation.chance.below(15_000))
    const asker = grid.up()[simulation.chance.below(grid.up().length)]!
    const result = await grid.ask(() => asker.find({ where: 'Cores >= 6', count: 50 }, FIND))
    for (const { id: found, attributes } of result.candidates) {
      expect(simulation.isUp(found)).toBe(true)
      expect(attributes['Cores']).toBeGreaterThanOrEqual(6)
    }
  }
  simulation.network.lossShare = 0
  expect(await grid.agreesWithin(60_000)).toBe(true)
  expect(grid.events.filter(({ type }) => type === 'refused')).toEqual([])
})
