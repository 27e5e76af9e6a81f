// How soon does membership find a killed node, how often does it bury a living one, and what does it cost?
//
// Nodes in groups that know each other, as in a home cell; one in a hundred is killed, under message loss, with slow nodes and with
// nodes that stand still. Baseline: SWIM and Lifeguard as memberlist runs them, 128 nodes, on a healthy network, a probe a
// second (Dadgar, Phillips and Currey 2018, alpha 5, beta 6).
// `--quick` runs a small grid for a moment, to see that the bench still runs; `--seed S`, `--minutes M` and `--only TEXT` (conditions
// whose name contains it) set the rest.

import { parseArgs } from 'node:util'
import { DescriptorChecker, DescriptorOwner, type Descriptor } from '../overlay/descriptor/index.ts'
import type { PeerId } from '../overlay/env/index.ts'
import { Membership, membershipWire, type MembershipEvent } from '../overlay/membership/index.ts'
import { Simulation, uniformLatency, type Latency, type NodeHost } from '../sim/engine/index.ts'
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

/** One run: a grid in groups, and what its nodes say of each other. */
class Grid {
  readonly simulation: Simulation
  readonly unwell = new Set<PeerId>()
  readonly slow = new Set<PeerId>()
  readonly #groups: PeerId[][] = []
  readonly #groupOf = new Map<PeerId, readonly PeerId[]>()
  readonly #checker = new DescriptorChecker({ countMax: 1 << 20 })
  readonly #killed = new Map<PeerId, { atMs: number; firstMs: number; knownMs: number; knowingCount: number }>()
  /** Deaths of nodes that live, by name and sequence number, and suspicions of those who are neither slow nor still. */
  readonly falseDeaths = new Map<string, PeerId>()
  readonly falseSuspicions = new Set<string>()

  constructor(conditions: Conditions, seed: number) {
    const { nodesCount, groupSize, lossShare } = conditions
    const latency: Latency = (from, to, rng) =>
      uniformLatency(LATENCY)(from, to, rng) +
      (Number(this.slow.has(from)) + Number(this.slow.has(to))) * SLOW_MS * rng.real()
    this.simulation = new Simulation({ seed, lossShare, latency, passage: 'strict' })
    for (let first = 0; first < nodesCount; first += groupSize) this.#addGroup(Math.min(groupSize, nodesCount - first))
  }

  get killed(): readonly { atMs: number; firstMs: number; knownMs: number }[] {
    return [...this.#killed.values()]
  }

  /** One in each group goes, and the next in each a while later. */
  async killSome(): Promise<void> {
    const perGroup = Math.max(1, Math.round(this.#groups[0]!.length * KILLED_SHARE))
    for (let turn = 0; turn < perGroup; turn++) {
      for (const group of this.#groups) {
        const healthy = group.filter((id) => this.simulation.isUp(id) && !this.unwell.has(id))
        const id = healthy[this.simulation.chance.below(healthy.length)]!
        const atMs = this.simulation.nowMs
        this.#killed.set(id, { atMs, firstMs: Infinity, knownMs: Infinity, knowingCount: 0 })
        this.simulation.crash(id)
      }
      await this.simulation.run(KILL_EVERY_MS)
    }
  }

  #addGroup(size: number): void {
    const ids = Array.from({ length: size }, () => this.simulation.drawId())
    const owners: DescriptorOwner[] = []
    const learners: ((descriptors: readonly Descriptor[]) => void)[] = []
    for (const id of ids) {
      this.#groupOf.set(id, ids)
      this.simulation.addNode({ id, mount: (node) => learners.push(this.#mount(node, owners)) })
    }
    this.#groups.push(ids)
    const descriptors = owners.map((owner) => owner.current())
    for (const learn of learners) this.simulation.act(0, () => learn(descriptors))
  }

  #mount(node: NodeHost, owners: DescriptorOwner[]): (descriptors: readonly Descriptor[]) => void {
    const { surroundings } = node
    const owner = new DescriptorOwner(
      { surroundings, onMinted: () => {} },
      { name: 'node', addresses: ['/ip4/10.0.0.1/tcp/4001'], attributes: { Cores: 8 }, startSequence: 1 },
    )
    owners.push(owner)
    const membership = new Membership({
      own: () => owner.current(),
      renewAbove: (sequence) => owner.renewAbove(sequence),
      checker: this.#checker,
      onAddress: () => {},
    })
    const env = node.mount(membershipWire, membership, (event) => this.#hear(event))
    return (descriptors) => {
      for (const descriptor of descriptors) if (descriptor.peer !== node.self) membership.learn(descriptor, env)
    }
  }

  #hear(event: MembershipEvent): void {
    if (event.type !== 'changed') return
    const { peer, state, sequence } = event.member
    if (state !== 'dead' && state !== 'suspect') return
    const death = this.#killed.get(peer)
    if (death === undefined) {
      if (state === 'dead') this.falseDeaths.set(`${peer} ${sequence}`, peer)
      else if (!this.unwell.has(peer)) this.falseSuspicions.add(`${peer} ${sequence}`)
    } else if (state === 'dead') {
      death.firstMs = Math.min(death.firstMs, this.simulation.nowMs)
      const livingCount = this.#groupOf.get(peer)!.filter((id) => this.simulation.isUp(id)).length
      if (++death.knowingCount >= KNOWN_SHARE * livingCount)
        death.knownMs = Math.min(death.knownMs, this.simulation.nowMs)
    }
  }
}

async function measure(conditions: Conditions, seed: number, minutes: number): Promise<void> {
  const startedUs = process.cpuUsage().user
  const grid = new Grid(conditions, seed)
  const { simulation } = grid
  await simulation.run(SETTLE_MS)
  makeUnwell(grid, conditions)
  await simulation.run(SETTLE_MS)
  grid.falseDeaths.clear()
  grid.falseSuspicions.clear()
  const bytesBefore = simulation.counts.bytesSent
  await simulation.run(minutes * 60_000)
  const bytesRate = (simulation.counts.bytesSent - bytesBefore) / conditions.nodesCount / (minutes * 60)
  const nodeHours = (conditions.nodesCount * minutes) / 60
  const falseDeaths = [...grid.falseDeaths.values()]
  const aboutWell = falseDeaths.filter((peer) => !grid.unwell.has(peer)).length
  const suspicionRate = grid.falseSuspicions.size / nodeHours
  await grid.killSome()
  await simulation.run(2 * SETTLE_MS)
  const first = grid.killed.map(({ atMs, firstMs }) => (firstMs - atMs) / 1_000)
  const known = grid.killed.map(({ atMs, knownMs }) => (knownMs - atMs) / 1_000)
  console.log(
    [
      conditions.name.padEnd(34),
      `first ${seconds(first, 0.5)} ${seconds(first, 0.99)}`,
      `99% know ${seconds(known, 0.5)} ${seconds(known, 0.99)}`,
      `false/node-h ${(aboutWell / nodeHours).toFixed(4)}`,
      `of unwell ${((falseDeaths.length - aboutWell) / nodeHours).toFixed(4)}`,
      `suspected ${suspicionRate.toFixed(3)}`,
      `B/node/s ${bytesRate.toFixed(0)}`,
      `cpu-s ${((process.cpuUsage().user - startedUs) / 1e6).toFixed(0)}`,
    ].join('  '),
  )
}

function makeUnwell({ simulation, unwell, slow }: Grid, { slowShare = 0, stallingShare = 0 }: Conditions): void {
  for (const id of simulation.ids) {
    const draw = simulation.chance.real()
    if (draw >= slowShare + stallingShare) continue
    unwell.add(id)
    if (draw < slowShare) slow.add(id)
    else simulation.act(simulation.chance.real() * STALL_EVERY_MS, () => stall(simulation, id))
  }
}

function stall(simulation: Simulation, id: PeerId): void {
  simulation.pause(id, 'held')
  simulation.act(STALL_MS, () => simulation.resume(id))
  simulation.act(STALL_EVERY_MS, () => stall(simulation, id))
}

function seconds(values: readonly number[], share: number): string {
  const sorted = values.toSorted((one, other) => one - other)
  return `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1)}s`
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
console.log('  each time: median and 99th percentile')
for (const grid of GRIDS)
  for (const { trouble, ...rest } of TROUBLES) {
    const name = `${grid.nodesCount} in ${grid.groupSize}s, ${trouble}`
    if (name.includes(values.only))
      await measure({ name, ...grid, ...rest }, Number(values.seed), Number(values.minutes))
  }
