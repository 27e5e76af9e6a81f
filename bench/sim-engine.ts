// How many events does the simulator's engine get through in a CPU second, under a Cyclon-like exchange?
//
// Baseline: PeerSim 1.0.5, event engine with the same exchange on a machine like CI's: 1.9 million events a CPU second at
// 10,000 nodes, 1.0 million at 100,000. `--quick` runs a small grid for a moment, to see that the bench still runs;
// `--nodes N` one size; `--cycles C` and `--seed S` set the rest.

import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Env, PeerId, Protocol, Wire } from '../overlay/env/index.ts'
import { Simulation, uniformLatency } from '../sim/engine/index.ts'

const PEERSIM_EVENTS_PER_CPU_SECOND: Readonly<Record<number, number>> = { 10_000: 1.9e6, 100_000: 1.0e6 }
const VIEW_SIZE = 20
const SHUFFLE_SIZE = 8
const CYCLE_MS = 10_000
const WARM_UP_CYCLES = 5
const ROUNDS = 5

interface Shuffle {
  readonly type: 'shuffle' | 'answer'
  readonly peers: readonly PeerId[]
  readonly ages: readonly number[]
}
type ShuffleEnv = Env<Shuffle, null, never>

const wire: Wire<Shuffle> = {
  id: '/roost/bench-shuffle/1',
  messageBytesMax: 4_096,
  parse: (value) => value as Shuffle,
}

/**
 * Cyclon (Voulgaris, Gavidia, van Steen, 2005, section 3) in its plain form: swap a few entries with the oldest neighbour. Two
 * arrays side by side hold the view, and a set says who is in it; it is the engine that is measured here.
 */
class Shuffling implements Protocol<Shuffle, null, never> {
  readonly #peers: PeerId[]
  readonly #ages: number[]
  readonly #known: Set<PeerId>
  /** Where the entries stood that are on their way to the other: the first to be replaced. */
  #sent: readonly PeerId[] = []

  constructor(peers: PeerId[]) {
    this.#peers = peers
    this.#ages = peers.map(() => 0)
    this.#known = new Set(peers)
  }

  start(env: ShuffleEnv): void {
    env.wakeAfter(env.rng.real() * CYCLE_MS, null)
  }

  wake(_timer: null, env: ShuffleEnv): void {
    env.wakeAfter(CYCLE_MS, null)
    let oldest = 0
    for (let index = 0; index < this.#ages.length; index++)
      if (++this.#ages[index]! > this.#ages[oldest]!) oldest = index
    const to = this.#peers[oldest]
    if (to === undefined) return
    this.#removeAt(oldest)
    const { peers, ages } = this.#pick(SHUFFLE_SIZE - 1, env)
    this.#sent = peers.slice()
    peers.push(env.self)
    ages.push(0)
    env.send(to, { type: 'shuffle', peers, ages })
  }

  receive(from: PeerId, message: Shuffle, env: ShuffleEnv): void {
    if (message.type === 'answer') {
      this.#merge(message, this.#sent, env)
      return
    }
    const { peers, ages } = this.#pick(SHUFFLE_SIZE, env)
    env.send(from, { type: 'answer', peers, ages })
    this.#merge(message, peers, env)
  }

  /** A few entries at random: they are moved to the front and copied from there. */
  #pick(count: number, env: ShuffleEnv): { peers: PeerId[]; ages: number[] } {
    const some = Math.min(count, this.#peers.length)
    for (let index = 0; index < some; index++) this.#swap(index, index + env.rng.below(this.#peers.length - index))
    return { peers: this.#peers.slice(0, some), ages: this.#ages.slice(0, some) }
  }

  #merge({ peers, ages }: Shuffle, replaceable: readonly PeerId[], env: ShuffleEnv): void {
    let replaced = 0
    for (let index = 0; index < peers.length; index++) {
      const peer = peers[index]!
      if (peer === env.self || this.#known.has(peer)) continue
      if (this.#peers.length === VIEW_SIZE) {
        let at = -1
        while (at < 0 && replaced < replaceable.length) at = this.#peers.indexOf(replaceable[replaced++]!)
        if (at < 0) return
        this.#removeAt(at)
      }
      this.#peers.push(peer)
      this.#ages.push(ages[index]!)
      this.#known.add(peer)
    }
  }

  #removeAt(index: number): void {
    this.#known.delete(this.#peers[index]!)
    this.#swap(index, this.#peers.length - 1)
    this.#peers.pop()
    this.#ages.pop()
  }

  #swap(one: number, other: number): void {
    const peer = this.#peers[one]!
    const age = this.#ages[one]!
    this.#peers[one] = this.#peers[other]!
    this.#ages[one] = this.#ages[other]!
    this.#peers[other] = peer
    this.#ages[other] = age
  }
}

async function measure(nodesCount: number, cyclesCount: number, seed: number): Promise<void> {
  const simulation = new Simulation({ seed, latency: uniformLatency({ minMs: 20, maxMs: 200 }) })
  const ids = Array.from({ length: nodesCount }, () => simulation.drawId())
  const baseBytes = process.memoryUsage().rss
  for (const id of ids) {
    const peers = new Set<PeerId>()
    while (peers.size < VIEW_SIZE) peers.add(ids[simulation.chance.below(nodesCount)]!)
    peers.delete(id)
    simulation.addNode({ id, mount: (node) => node.mount(wire, new Shuffling([...peers]), () => {}) })
  }
  await simulation.run(WARM_UP_CYCLES * CYCLE_MS)
  const rates: number[] = []
  const cycleSeconds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const eventsBefore = simulation.counts.events
    const before = process.cpuUsage()
    await simulation.run((cyclesCount / ROUNDS) * CYCLE_MS)
    const { user, system } = process.cpuUsage(before)
    const cpuSeconds = (user + system) / 1e6
    rates.push((simulation.counts.events - eventsBefore) / cpuSeconds)
    cycleSeconds.push((cpuSeconds * ROUNDS) / cyclesCount)
  }
  const nodeBytes = Math.round((process.memoryUsage().rss - baseBytes) / nodesCount)
  const peerSim = PEERSIM_EVENTS_PER_CPU_SECOND[nodesCount]
  console.log(
    [
      `nodes ${nodesCount}`,
      `events/cpu-s median ${million(quantile(rates, 0.5))} p5 ${million(quantile(rates, 0.05))}`,
      `PeerSim ${peerSim === undefined ? '-' : million(peerSim)}`,
      `cpu-s/cycle median ${quantile(cycleSeconds, 0.5).toFixed(3)} p95 ${quantile(cycleSeconds, 0.95).toFixed(3)}`,
      `bytes/node ${nodeBytes}`,
      `trace ${simulation.traceHash}`,
    ].join('  '),
  )
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round((sorted.length - 1) * share)]!
}

function million(value: number): string {
  return `${(value / 1e6).toFixed(2)}M`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    nodes: { type: 'string' },
    cycles: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})
const sizes = values.nodes !== undefined ? [Number(values.nodes)] : values.quick ? [2_000] : [10_000, 100_000]
const cyclesCount = Number(values.cycles ?? (values.quick ? 10 : 50))
const seed = Number(values.seed)
console.log(
  `sim-engine: view ${VIEW_SIZE}, shuffle ${SHUFFLE_SIZE}, ${cyclesCount} cycles after ${WARM_UP_CYCLES}, seed ${seed}; ` +
    `${cpus()[0]?.model ?? 'unknown cpu'}, node ${process.version}, commit ${commit()}`,
)
for (const nodesCount of sizes) await measure(nodesCount, cyclesCount, seed)
