// How soon does membership find a killed node, how often does it bury a living one, and what does it cost?
//
// Nodes in groups that know each other, as in a home cell; one in a hundred is killed, under message loss, with slow nodes and with
// nodes that stand still. Baseline: memberlist with Lifeguard, 128 nodes on a healthy network, a probe a second, alpha 5 and beta 6
// (Dadgar, Phillips and Currey 2018), whose suspicions last at least 5 log10(n) s: 10.5 s there, 13.5 s at 500.
// `--quick` runs a small grid for a moment, to see that the bench still runs; `--seed S`, `--minutes M` and `--only TEXT` (conditions
// whose name contains it) set the rest.

import { setFlagsFromString } from 'node:v8'
import { parseArgs } from 'node:util'
import { runInNewContext } from 'node:vm'
import { DescriptorChecker } from '../overlay/descriptor/index.ts'
import type { PeerId } from '../overlay/env/index.ts'
import { membershipWire, type MembershipEvent } from '../overlay/membership/index.ts'
import { Simulation, type LatencyByName } from '../sim/engine/index.ts'
import { addGroup } from '../test/overlay/membership/group.ts'
import { header, quick } from './support/report.ts'

interface Conditions {
  readonly name: string
  readonly nodesCount: number
  readonly groupSize: number
  readonly lossShare: number
  /** Share of the nodes that take up to `SLOW_MS` for each message, in and out. */
  readonly slowShare?: number
  /** Share of the nodes that stand still for `STALL_MS` every `STALL_EVERY_MS`. */
  readonly stallingShare?: number
}

const LATENCY = { minMs: 20, maxMs: 100 }
const SLOW_MS = 1_000
const STALL_MS = 4_000
const STALL_EVERY_MS = 12_000
const KILLED_SHARE = 0.01
const KILL_EVERY_MS = 3_000
const SETTLE_MS = 30_000
const KNOWN_SHARE = 0.99

interface Death {
  readonly atMs: number
  /** How long until the first knew, and until nearly all did. */
  firstMs: number
  knownMs: number
  knowingCount: number
}

/** One run: a grid in groups, and what its nodes say of each other. */
class Grid {
  readonly simulation: Simulation
  readonly slow = new Set<PeerId>()
  readonly stalling = new Set<PeerId>()
  readonly deaths = new Map<PeerId, Death>()
  /** Living nodes that were called dead or suspected, a word of theirs counted once. */
  readonly falseDeaths = new Map<string, PeerId>()
  readonly falseSuspicions = new Map<string, PeerId>()
  readonly #groups: { readonly ids: readonly PeerId[]; upCount: number }[] = []

  constructor({ nodesCount, groupSize, lossShare }: Conditions, seed: number) {
    const latency: LatencyByName = (from, to, rng) =>
      LATENCY.minMs + (LATENCY.maxMs - LATENCY.minMs) * rng.real() + this.#slownessMs(from, to, rng.real())
    this.simulation = new Simulation({ seed, lossShare, latency })
    const checker = new DescriptorChecker({ countMax: 1 << 20 })
    for (let first = 0; first < nodesCount; first += groupSize) {
      const group = { ids: [] as readonly PeerId[], upCount: Math.min(groupSize, nodesCount - first) }
      const onEvent = (_: PeerId, event: MembershipEvent): void => this.#hear(event, group)
      group.ids = addGroup(this.simulation, group.upCount, onEvent, { checker }).ids
      this.#groups.push(group)
    }
  }

  isWell(id: PeerId): boolean {
    return !this.slow.has(id) && !this.stalling.has(id)
  }

  bytesSent(): number {
    return this.simulation.traffic().get(membershipWire.id)?.bytes ?? 0
  }

  makeUnwell({ slowShare = 0, stallingShare = 0 }: Conditions): void {
    const { simulation } = this
    const stall = (id: PeerId): void => {
      simulation.pause(id, 'held')
      simulation.act(STALL_MS, () => simulation.resume(id))
      simulation.act(STALL_EVERY_MS, () => stall(id))
    }
    for (const id of simulation.ids) {
      const draw = simulation.chance.real()
      if (draw < slowShare) this.slow.add(id)
      else if (draw < slowShare + stallingShare) {
        this.stalling.add(id)
        simulation.act(simulation.chance.real() * STALL_EVERY_MS, () => stall(id))
      }
    }
  }

  /** One in each group goes, and the next in each a while later. */
  async killSome(): Promise<void> {
    const turnCount = Math.max(1, Math.round(this.#groups[0]!.ids.length * KILLED_SHARE))
    for (let turn = 0; turn < turnCount; turn++) {
      for (const group of this.#groups) {
        const candidates = group.ids.filter((id) => this.simulation.isUp(id) && this.isWell(id))
        const id = candidates[this.simulation.chance.below(candidates.length)]!
        const never = Number.POSITIVE_INFINITY
        this.deaths.set(id, { atMs: this.simulation.nowMs, firstMs: never, knownMs: never, knowingCount: 0 })
        this.simulation.crash(id)
        group.upCount--
      }
      await this.simulation.run(KILL_EVERY_MS)
    }
  }

  #hear(event: MembershipEvent, group: { readonly upCount: number }): void {
    if (event.type !== 'changed') return
    const { peer, state, sequence } = event.member
    const death = this.deaths.get(peer)
    if (death === undefined) {
      if (state === 'dead') this.falseDeaths.set(`${peer} ${sequence}`, peer)
      else if (state === 'suspect') this.falseSuspicions.set(`${peer} ${sequence}`, peer)
    } else if (state === 'dead') {
      const afterMs = this.simulation.nowMs - death.atMs
      death.firstMs = Math.min(death.firstMs, afterMs)
      if (++death.knowingCount >= KNOWN_SHARE * group.upCount) death.knownMs = Math.min(death.knownMs, afterMs)
    }
  }

  #slownessMs(from: PeerId, to: PeerId, draw: number): number {
    return this.slow.size === 0 ? 0 : (Number(this.slow.has(from)) + Number(this.slow.has(to))) * SLOW_MS * draw
  }
}

async function measure(conditions: Conditions, seed: number, minutes: number): Promise<void> {
  const heapBefore = heapBytes()
  const grid = new Grid(conditions, seed)
  const { simulation } = grid
  const { nodesCount, groupSize } = conditions
  await simulation.run(SETTLE_MS)
  const rowBytes = (heapBytes() - heapBefore) / (nodesCount * (groupSize - 1))
  grid.makeUnwell(conditions)
  await simulation.run(SETTLE_MS)
  grid.falseDeaths.clear()
  grid.falseSuspicions.clear()
  const bytesBefore = grid.bytesSent()
  const cpuBefore = process.cpuUsage()
  await simulation.run(minutes * 60_000)
  const { user, system } = process.cpuUsage(cpuBefore)
  const nodeSeconds = nodesCount * minutes * 60
  const perHour = (peers: Iterable<PeerId>, isWell: boolean): string =>
    (([...peers].filter((peer) => grid.isWell(peer) === isWell).length / nodeSeconds) * 3_600).toFixed(3)
  const bytesRate = (grid.bytesSent() - bytesBefore) / nodeSeconds
  const falseDeaths = [...grid.falseDeaths.values()]
  const suspicions = [...grid.falseSuspicions.values()]
  await grid.killSome()
  await simulation.run(2 * SETTLE_MS)
  const deaths = [...grid.deaths.values()]
  console.log(
    [
      conditions.name.padEnd(36),
      `first ${both(deaths.map(({ firstMs }) => firstMs))}`,
      `all ${both(deaths.map(({ knownMs }) => knownMs))}`,
      `buried ${perHour(falseDeaths, true)} (unwell ${perHour(falseDeaths, false)})`,
      `suspected ${perHour(suspicions, true)} (${perHour(suspicions, false)})`,
      `B/node/s ${bytesRate.toFixed(0)}`,
      `cpu-us/node/s ${((user + system) / nodeSeconds).toFixed(1)}`,
      ...(quick ? [] : [`B/row ${rowBytes.toFixed(0)}`]),
    ].join('  '),
  )
}

/** Median and 99th percentile, in seconds. */
function both(valuesMs: readonly number[]): string {
  const sorted = valuesMs.toSorted((one, other) => one - other)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! / 1_000).toFixed(1)
  return `${at(0.5)} ${at(0.99)} s`
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: quick ? '0.2' : '5' },
    only: { type: 'string', default: '' },
  },
})
const GRIDS = quick
  ? [{ nodesCount: 60, groupSize: 30 }]
  : [
      { nodesCount: 800, groupSize: 40 },
      { nodesCount: 1_000, groupSize: 500 },
      { nodesCount: 1_000, groupSize: 1_000 },
      { nodesCount: 10_000, groupSize: 500 },
    ]
const TROUBLES = [
  { trouble: 'no loss', lossShare: 0 },
  { trouble: '1% loss', lossShare: 0.01 },
  { trouble: '5% loss', lossShare: 0.05 },
  { trouble: '1% loss, 5% slow', lossShare: 0.01, slowShare: 0.05 },
  { trouble: '1% loss, 5% stalling', lossShare: 0.01, stallingShare: 0.05 },
]

header('How soon does membership find a killed node, how often does it bury a living one, and what does it cost?', {
  latencyMs: `${LATENCY.minMs}-${LATENCY.maxMs}`,
  slowMsMax: SLOW_MS,
  stall: `${STALL_MS}/${STALL_EVERY_MS}ms`,
  seed: values.seed,
  minutes: values.minutes,
})
console.log('  median and 99th percentile until the first knows and until 99 % of the group do;')
console.log('  living nodes buried and suspected an hour and node, the well and (the slow or stalling)')
for (const grid of GRIDS)
  for (const { trouble, ...rest } of TROUBLES) {
    const name = `${grid.nodesCount} in ${grid.groupSize}s, ${trouble}`
    if (name.includes(values.only))
      await measure({ name, ...grid, ...rest }, Number(values.seed), Number(values.minutes))
  }
