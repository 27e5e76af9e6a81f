import { describe, expect, test } from 'vitest'
import { peerKey, shuffle, type Attributes, type PeerId } from '../../../overlay/index.ts'
import { FRESH_SEED, Grid } from './grid.ts'

/** Small cells, so that a hundred nodes are as many to each other as a hundred thousand are to large ones. */
const SELECTION = {
  cellCountMax: 24,
  cellCountMin: 6,
  layoutSettleMs: 10_000,
  layoutRetireMs: 20_000,
  layoutRestMs: 30_000,
  sampleCountMin: 40,
}
const SETTLE_MS = 60_000
const SITES = ['lyon', 'lille', 'nancy', 'rennes']

const attributes = (index: number): Attributes => ({
  Cores: 2 ** (index % 6),
  Memory: (1 + ((index * 7919) % 64)) * 2 ** 30,
  Site: SITES[(index * 31) % 4]!,
})

async function settledGrid(seed: number, count = 160): Promise<Grid> {
  const grid = new Grid({ seed, count, attributes, discovery: { selection: SELECTION } })
  await grid.simulation.run(SETTLE_MS)
  return grid
}

/** Who is found, and who is really there. */
async function compare(
  grid: Grid,
  where: string,
  matches: (attributes: Attributes) => boolean,
): Promise<{ found: PeerId[]; there: PeerId[] }> {
  const { simulation } = grid
  const asker = grid.up()[simulation.chance.below(grid.up().length)]!
  const { candidates } = await grid.ask(() => asker.find({ where, count: 1_000 }, { timeoutMs: 20_000 }))
  const there = simulation.upIds.filter((id) => matches(grid.at(id).own().attributes))
  return { found: candidates.map(({ id }) => id).sort(), there: [...there].sort() }
}

const QUERIES: readonly [string, (attributes: Attributes) => boolean][] = [
  ['Cores >= 16', ({ Cores }) => (Cores as number) >= 16],
  ['Cores == 32 && Site == "lyon"', ({ Cores, Site }) => Cores === 32 && Site === 'lyon'],
  ['Memory < 8GiB || Site == "rennes"', ({ Memory, Site }) => (Memory as number) < 8 * 2 ** 30 || Site === 'rennes'],
  ['Cores > 100', () => false],
]

describe.each([[1], [FRESH_SEED]])('a grid of many cells (seed %i)', (seed) => {
  test('answers exactly, keeping a part of it at each node, by a layout that all came to', async () => {
    const grid = await settledGrid(seed)
    const states = grid.up().map((discovery) => discovery.selectionState)
    expect(new Set(states.map(({ layout }) => layout)).size).toBe(1)
    expect(states[0]!.epoch).toBeGreaterThanOrEqual(1)
    expect(states[0]!.groupings.flat()).toEqual(expect.arrayContaining(['cores', 'memory', 'site']))
    for (const [where, matches] of QUERIES) {
      const { found, there } = await compare(grid, where, matches)
      expect(found).toEqual(there)
    }
  })

  test('half of it gone at once, those who are left are found, and nobody else', async () => {
    const grid = await settledGrid(seed)
    const { simulation } = grid
    for (const id of shuffle([...simulation.ids], simulation.chance).slice(0, 80)) simulation.crash(id)
    await simulation.run(SETTLE_MS)
    for (const [where, matches] of QUERIES) {
      const { found, there } = await compare(grid, where, matches)
      expect(found).toEqual(there)
    }
  })

  test('what a node says of itself is found by the new word and not by the old, in seconds', async () => {
    const grid = await settledGrid(seed)
    const { simulation } = grid
    const changed = simulation.ids[7]!
    grid.at(changed).update({ attributes: { Cores: 96, Memory: 2 ** 40, Site: 'lyon', 'gpu.driver': 550 } })
    await simulation.run(5_000)
    for (const where of ['Cores == 96', 'gpu.driver >= 550', 'Memory > 100GiB && Site == "lyon"']) {
      const { found } = await compare(grid, where, () => false)
      expect(found).toEqual([changed])
    }
    const { found, there } = await compare(grid, 'Cores == 2', ({ Cores }) => Cores === 2)
    expect(found).toEqual(there)
  })

  test('those who join are found in two cycles, and restarted ones again', async () => {
    const grid = await settledGrid(seed)
    const { simulation } = grid
    const restarted = simulation.ids.slice(20, 30)
    for (const id of restarted) simulation.crash(id)
    await simulation.run(20_000)
    for (const id of restarted) simulation.restart(id)
    for (let count = 0; count < 10; count++) grid.add({ Cores: 48, Memory: 2 ** 31, Site: 'lille' })
    await simulation.run(10_000)
    const joined = await compare(grid, 'Cores == 48', ({ Cores }) => Cores === 48)
    expect(joined.found).toEqual(joined.there)
    expect(joined.found.length).toBe(10)
    const { found, there } = await compare(grid, 'true', () => true)
    expect(found).toEqual(there)
  })
})

test('where half of a cell goes but for a few, those and the other half are one cell again, for all of them', async () => {
  const grid = new Grid({ seed: 5, count: 0, discovery: { selection: SELECTION } })
  const { simulation } = grid
  const halves: PeerId[][] = [[], []]
  while (halves.some(({ length }) => length < 14)) {
    const id = simulation.drawId()
    const half = halves[peerKey(id) < 0 ? 1 : 0]!
    if (half.length < 14) half.push(grid.add(undefined, id))
  }
  await simulation.run(SETTLE_MS)
  for (const discovery of grid.up()) expect(discovery.selectionState.nodeCount % 28).toBe(0)
  for (const id of halves[0]!.slice(4)) {
    simulation.crash(id)
    await simulation.run(20_000)
  }
  await simulation.run(2 * SETTLE_MS)
  for (const discovery of grid.up()) expect(discovery.selectionState.nodeCount).toBe(18)
})

test('groupings follow what people ask for: a label that they look for gets borders of its own', async () => {
  const grid = new Grid({
    seed: 4,
    count: 120,
    attributes: (index) => ({ ...attributes(index), 'rack.row': index % 40, bench: (index * 17) % 97 }),
    discovery: { selection: { ...SELECTION, groupingCount: 1, attributesPerGrouping: 2 } },
  })
  const { simulation } = grid
  await simulation.run(SETTLE_MS)
  const [before] = grid.up().map(({ selectionState }) => selectionState)
  expect(before!.groupings.flat()).not.toContain('bench')
  for (let asked = 0; asked < 60; asked++) {
    const asker = grid.up()[simulation.chance.below(grid.up().length)]!
    await grid.ask(() =>
      asker.find({ where: `bench >= ${asked} && bench < ${asked + 9}`, count: 50 }, { timeoutMs: 9_000 }),
    )
    await simulation.run(1_000)
  }
  await simulation.run(2 * SETTLE_MS)
  for (const { selectionState } of grid.up()) {
    expect(selectionState.epoch).toBeGreaterThan(before!.epoch)
    expect(selectionState.groupings.flat()).toContain('bench')
  }
  const { found, there } = await compare(
    grid,
    'bench >= 10 && bench < 20',
    ({ bench }) => (bench as number) >= 10 && (bench as number) < 20,
  )
  expect(found).toEqual(there)
})
