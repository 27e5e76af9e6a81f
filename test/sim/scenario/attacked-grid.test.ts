import { describe, expect, test } from 'vitest'
import { SAMPLING_ATTACKS, type AttackName } from '../../../sim/adversary/index.ts'
import { Simulation, uniformLatency, type SimulationOptions } from '../../../sim/engine/index.ts'
import { measureViews, type ViewFigures } from '../../../sim/metrics/index.ts'
import { AttackedGrid, type AttackedGridOptions } from '../../../sim/scenario/attacked-grid.ts'

/**
 * Cells so small that a few hundred nodes have many, and not so small that by chance alone one of them has half as many guests as members.
 * Nobody needs to be probed once a second.
 */
const SMALL_CELLS = { selection: { cellCountMax: 96, cellCountMin: 24 }, membership: { probeMs: 2_000 } }
const CYCLE_MS = 5_000

class Story {
  readonly simulation: Simulation
  readonly grid: AttackedGrid

  constructor(options: Partial<AttackedGridOptions & SimulationOptions> = {}) {
    const { seed = 1, wallSkewMsMax = 0 } = options
    const latency = uniformLatency({ minMs: 20, maxMs: 100 })
    this.simulation = new Simulation({ seed, latency, wallSkewMsMax })
    this.grid = new AttackedGrid(this.simulation, {
      attackersShare: 0,
      attack: 'push',
      keepsDisks: true,
      discovery: SMALL_CELLS,
      ...options,
    })
  }

  add(count: number): void {
    for (let added = 0; added < count; added++) this.grid.add()
  }

  async cycles(count: number): Promise<ViewFigures> {
    await this.simulation.run(count * CYCLE_MS)
    return measureViews(this.grid.views)
  }

  /** Honest nodes that have a fair choice. */
  get fairCount(): number {
    return this.grid.up.filter((index) => !this.grid.isAttacker(index) && this.isFair(index)).length
  }

  isFair(index: number): boolean {
    return this.grid.discoveryAt(index).guestState.isFair
  }
}

describe('a tenth of all nodes, hostile from the first moment of a grid of many cells', () => {
  async function besieged(attack: AttackName, count: number): Promise<Story> {
    const story = new Story({ attackersShare: 0.1, attack })
    story.add(count)
    await story.cycles(12)
    return story
  }

  test('are about a tenth of what honest nodes draw from, in every cycle, where they are all that sampling knows', async () => {
    const story = await besieged('push', 300)
    for (let cycle = 0; cycle < 6; cycle++) {
      const { attackerShare, eclipsed } = await story.cycles(1)
      expect(attackerShare).toBeLessThan(0.12)
      expect(eclipsed).toBe(0)
    }
    expect(measureViews(story.grid.shuffledViews).attackerShare).toBeGreaterThan(0.5)
  })

  test.each(SAMPLING_ATTACKS)('win nothing by what is called %s', async (attack) => {
    const story = await besieged(attack, 160)
    const { attackerShare, eclipsed } = await story.cycles(1)
    expect(attackerShare).toBeLessThan(0.13)
    expect(eclipsed).toBe(0)
  })

  test('do not keep newcomers from their cells and guests, nor those who come back', async () => {
    const story = await besieged('push', 200)
    const back = story.grid.draw(20)
    for (const index of back) story.grid.crash(index)
    await story.cycles(1)
    for (const index of back) story.grid.restart(index)
    story.add(40)
    const { attackerShare, eclipsed } = await story.cycles(8)
    expect(eclipsed).toBe(0)
    expect(attackerShare).toBeLessThan(0.13)
    const came = [...back, ...Array.from({ length: 40 }, (_, at) => 200 + at)]
    const honest = came.filter((index) => !story.grid.isAttacker(index))
    expect(honest.filter((index) => story.isFair(index)).length / honest.length).toBeGreaterThan(0.9)
  })
})

describe('a grid of many cells where all are honest', () => {
  test('has views of guests in which everybody stands as often, and nothing is refused', async () => {
    const story = new Story()
    story.add(300)
    const { inDegreeSd, components } = await story.cycles(14)
    expect(story.fairCount).toBe(300)
    expect(inDegreeSd).toBeLessThan(4.5)
    expect(components).toBe(1)
    expect([...story.grid.refusals]).toEqual([])
  })

  test('washes out the dead within twenty cycles of losing half, and is one grid all the while', async () => {
    const story = new Story()
    story.add(300)
    await story.cycles(14)
    story.grid.kill(0.5)
    expect((await story.cycles(1)).components).toBe(1)
    const { deadLinkShare, components } = await story.cycles(19)
    expect(deadLinkShare).toBeLessThan(0.01)
    expect(components).toBe(1)
  })

  test('grows out of one cell, and into fewer again', async () => {
    const story = new Story()
    story.add(30)
    await story.cycles(6)
    expect(story.fairCount).toBe(30)
    expect(story.grid.discoveryAt(0).guestState.guestCount).toBe(0)
    for (let wave = 0; wave < 6; wave++) {
      story.add(40)
      expect((await story.cycles(1)).components).toBe(1)
    }
    await story.cycles(8)
    expect(story.fairCount).toBe(270)
    story.grid.kill(0.8)
    const { components } = await story.cycles(40)
    expect(components).toBe(1)
    expect(story.fairCount).toBe(54)
  })

  test('is itself again a minute after all of it restarted', async () => {
    const story = new Story()
    story.add(200)
    await story.cycles(16)
    for (const index of [...story.grid.up]) story.grid.crash(index)
    await story.cycles(2)
    for (let index = 0; index < 200; index++) story.grid.restart(index)
    const { components } = await story.cycles(12)
    expect(components).toBe(1)
    expect(story.fairCount).toBe(200)
  })

  test('shuts nobody out whose clock is wrong by minutes', async () => {
    const story = new Story({ wallSkewMsMax: 150_000 })
    story.add(200)
    const { components, inDegreeSd } = await story.cycles(24)
    expect(story.fairCount).toBeGreaterThan(195)
    expect(components).toBe(1)
    expect(inDegreeSd).toBeLessThan(7)
    const known = new Set(story.grid.up.flatMap((index) => story.grid.views.viewOf(index)))
    expect(known.size).toBe(200)
  })
})
