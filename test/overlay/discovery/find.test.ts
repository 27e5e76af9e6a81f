import { beforeAll, describe, expect, test } from 'vitest'
import type { Attributes, Candidate, FindOptions, FindResult, PeerId, Query } from '../../../overlay/index.ts'
import { uniformLatency } from '../../../sim/engine/index.ts'
import { Grid } from './grid.ts'

const LAN = uniformLatency({ minMs: 0.2, maxMs: 3 })
const FIND: FindOptions = { timeoutMs: 10_000 }

async function settled(options: ConstructorParameters<typeof Grid>[0]): Promise<Grid> {
  const grid = new Grid({ latency: LAN, ...options })
  expect(await grid.agreesWithin(60_000)).toBe(true)
  return grid
}

/** The search, and each candidate with the virtual time at which it was told. */
async function watched(
  grid: Grid,
  query: Query,
  options: FindOptions = FIND,
): Promise<{ told: { candidate: Candidate; atMs: number }[]; result: FindResult; startMs: number }> {
  const told: { candidate: Candidate; atMs: number }[] = []
  const startMs = grid.simulation.nowMs
  const onCandidate = (candidate: Candidate): void =>
    void told.push({ candidate, atMs: grid.simulation.nowMs - startMs })
  const result = await grid.ask(() => grid.up()[0]!.find(query, { ...options, onCandidate }))
  return { told, result, startMs }
}

describe('candidates', () => {
  test('are told as they answer, while others are silent, and are those of the result', async () => {
    const grid = await settled({ count: 12 })
    for (const id of grid.ids.slice(8)) grid.simulation.pause(id, 'held')
    const { told, result } = await watched(grid, { where: 'true', count: 12 }, { timeoutMs: 1_500 })
    expect(told.length).toBe(8)
    for (const { atMs } of told) expect(atMs).toBeLessThan(20)
    expect(result.candidates).toEqual(told.map(({ candidate }) => candidate))
    expect(result.explanation).toMatchObject({ reason: 'deadline', complete: false, silentCount: 4 })
    expect(result.explanation.elapsedMs).toBeCloseTo(1_500, 0)
  })

  test('have the name and all attributes of their nodes', async () => {
    const grid = await settled({ count: 3 })
    grid.up()[2]!.offer('test', () => ({ FreeCores: 1 }))
    const { told } = await watched(grid, { where: 'FreeCores == 1', count: 3 })
    expect(told.map(({ candidate }) => candidate)).toEqual([
      { id: grid.ids[2], name: 'node2', attributes: { Cores: 6, FreeCores: 1 }, rank: 0 },
    ])
  })

  test('of a ranked query are told at its end, best first', async () => {
    const grid = await settled({ count: 8 })
    const { told, result } = await watched(grid, { where: 'true', rank: 'Cores', count: 4 })
    expect(told.map(({ candidate }) => candidate.rank)).toEqual([7, 7, 6, 6])
    expect(result.candidates).toEqual(told.map(({ candidate }) => candidate))
  })
})

describe('a search among named nodes', () => {
  test('asks these and nobody else', async () => {
    const grid = await settled({ count: 6 })
    const among = new Set<PeerId>([grid.ids[0]!, grid.ids[4]!])
    const { result } = await watched(grid, { where: 'true', count: 6 }, { ...FIND, among })
    expect(new Set(result.candidates.map(({ id }) => id))).toEqual(among)
    expect(result.explanation).toMatchObject({ askedCount: 2, complete: true })
  })

  test('finds nobody where they are not known', async () => {
    const grid = await settled({ count: 2 })
    const { result } = await watched(grid, { where: 'true', count: 6 }, { ...FIND, among: new Set(['nobody']) })
    expect(result).toMatchObject({ candidates: [], explanation: { reason: 'nobody-left', askedCount: 0 } })
  })
})

describe('an explanation', () => {
  test('of a small grid says that this node knew everybody itself', async () => {
    const grid = await settled({ count: 9, attributes: (index) => ({ Cores: index < 3 ? 2 : 8 }) })
    const { result } = await watched(grid, { where: 'Cores >= 4', count: 20 })
    expect(result.explanation).toMatchObject({
      boxes: ['Cores >= 4'],
      grouping: [],
      cellCount: 1,
      contactCount: 0,
      roundTripCount: 0,
      heldCount: 9,
      consideredCount: 9,
      ruledOutCount: 3,
      askedCount: 6,
      confirmedCount: 6,
      complete: true,
      reason: 'nobody-left',
    })
  })
})

describe('a grid of many cells', () => {
  const NODE_COUNT = 150
  const attributes = (index: number): Attributes => ({ Cores: 1 + (index % 64), Os: index % 3 === 0 ? 'LINUX' : 'BSD' })

  /** In cells of some twenty, which have lived for a while. Tests that hold nodes up let them go again. */
  let grid: Grid
  beforeAll(async () => {
    grid = new Grid({
      latency: LAN,
      count: NODE_COUNT,
      attributes,
      discovery: { selection: { cellCountMax: 32, cellCountMin: 8, layoutSettleMs: 10_000 } },
    })
    await grid.simulation.run(180_000)
  })
  /** All but the asking node stand still for as long as that takes. */
  async function whileHeld(act: () => Promise<void>): Promise<void> {
    for (const id of grid.ids.slice(1)) grid.simulation.pause(id, 'held')
    await act()
    for (const id of grid.ids.slice(1)) grid.simulation.resume(id)
  }

  test('gives everybody who matches, as they answer, and says where it looked', async () => {
    const expected = grid.ids.filter((_, index) => 1 + (index % 64) >= 48 && index % 3 === 0)
    const { told, result } = await watched(grid, { where: 'Cores >= 48 && Os == "linux"', count: NODE_COUNT })
    expect(new Set(result.candidates.map(({ id }) => id))).toEqual(new Set(expected))
    expect(told.length).toBe(expected.length)
    expect(told[0]!.atMs).toBeLessThan(told.at(-1)!.atMs)
    const { explanation } = result
    expect(explanation).toMatchObject({ reason: 'nobody-left', complete: true, failedCount: 0 })
    expect(explanation.contactCount).toBeGreaterThan(0)
    expect(explanation.cellCount).toBeGreaterThan(1)
    expect(explanation.roundTripCount).toBeGreaterThan(0)
    expect(explanation.heldCount).toBeLessThan(NODE_COUNT)
  })

  test('finds a label of a moment ago on a node of another cell', async () => {
    grid.simulation.act(0, () => grid.up()[120]!.update({ attributes: { ...attributes(120), colour: 'teal' } }))
    await grid.simulation.run(3_000)
    const { result } = await watched(grid, { where: 'colour == "teal"', count: 5 })
    expect(result.candidates.map(({ id }) => id)).toEqual([grid.ids[120]])
    expect(result.explanation).toMatchObject({ complete: true, reason: 'nobody-left' })
  })

  test('keeps its deadline while the ways to other cells are silent', () =>
    whileHeld(async () => {
      const { result } = await watched(grid, { where: 'Cores >= 48', count: NODE_COUNT }, { timeoutMs: 1_100 })
      expect(result.explanation.reason).toBe('deadline')
      expect(result.explanation.elapsedMs).toBeCloseTo(1_100, 0)
    }))

  test('asks nobody any more once it is given up', () =>
    whileHeld(async () => {
      const abort = new AbortController()
      grid.simulation.act(150, () => abort.abort())
      const startMs = grid.simulation.nowMs
      const search = watched(grid, { where: 'true', count: NODE_COUNT }, { ...FIND, signal: abort.signal })
      await expect(search).rejects.toMatchObject({ code: 'CANCELLED' })
      expect(grid.simulation.nowMs - startMs).toBeLessThan(200)
    }))
})
