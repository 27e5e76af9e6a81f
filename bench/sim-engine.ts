// How many events does the simulator's engine get through in a CPU second?
//
// Twice: `empty`, where nodes ask one of a few contacts and are answered, and do nothing else, so that nearly all of it is the engine; and
// `cyclon`, with a plain exchange of views on top. An event is a timer or a message. What the daemon's own protocol
// takes is measured by sim-sampling.
//
// Baseline: PeerSim 1.0.5 with Cyclon on a machine like CI's. Event engine: 1.9 million events a CPU second at 10,000 nodes, 1.0 million
// at 100,000. Cycle engine: 0.12 CPU seconds a cycle at 100,000. `--quick` runs a small grid for a moment, to see that the bench still
// runs; `--nodes N` one size; `--only empty|cyclon` one of the two; `--cycles C` and `--seed S` set the rest.

import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Env, PeerId, Protocol, Wire } from '../overlay/env/index.ts'
import { Simulation, uniformLatency, type NodeHost } from '../sim/engine/index.ts'
import { commit } from './support/report.ts'

const PEERSIM_EVENTS_PER_CPU_SECOND: Readonly<Record<number, number>> = { 10_000: 1.9e6, 100_000: 1.0e6 }
const PEERSIM_CYCLE_CPU_SECONDS = 0.12
const VIEW_SIZE = 20
const SHUFFLE_SIZE = 8
const CYCLE_MS = 10_000
const WARM_UP_CYCLES = 5
const ROUNDS = 5

interface Shuffle {
  readonly type: 'shuffle' | 'answer'
  readonly peers: readonly PeerId[]
  /** A fingerprint of each peer's name (here its number), and the cycle in which its entry was made, in turn. */
  readonly marks: readonly number[]
}
type ShuffleEnv = Env<Shuffle, null, never>

const wire: Wire<Shuffle> = {
  id: '/roost/bench-shuffle/1',
  messageBytesMax: 4_096,
  parse: (value) => value as Shuffle,
}

/**
 * Cyclon (Voulgaris, Gavidia, van Steen, 2005, section 3) in its plain form: swap a few entries with the oldest neighbour. Laid
 * out as a simulated million would have it: entries are told apart by fingerprints that lie side by side, since to
 * compare names is to fetch each of them from memory; and an entry has a birth instead of an age, which needs no counting up.
 */
class Shuffling implements Protocol<Shuffle, null, never> {
  readonly #peers: PeerId[]
  /** Fingerprint and birth in turn. */
  readonly #marks: number[]
  readonly #fingerprint: number
  /** Fingerprints of the entries that are on their way to the other: the first to be replaced. */
  #sent: readonly number[] = []

  constructor(fingerprint: number, peers: PeerId[], fingerprints: readonly number[]) {
    this.#fingerprint = fingerprint
    this.#peers = peers
    this.#marks = fingerprints.flatMap((each) => [each, 0])
  }

  start(env: ShuffleEnv): void {
    env.wakeAfter(env.rng.real() * CYCLE_MS, null)
  }

  wake(_timer: null, env: ShuffleEnv): void {
    env.wakeAfter(CYCLE_MS, null)
    const count = this.#peers.length
    if (count === 0) return
    const marks = this.#marks
    let oldest = 0
    for (let index = 1; index < count; index++) if (marks[2 * index + 1]! < marks[2 * oldest + 1]!) oldest = index
    const to = this.#peers[oldest]!
    this.#moveLast(oldest)
    this.#peers.pop()
    marks.length = 2 * count - 2
    const message = this.#pick('shuffle', SHUFFLE_SIZE - 1, env)
    this.#sent = message.marks.slice()
    message.peers.push(env.self)
    message.marks.push(this.#fingerprint, Math.floor(env.nowMs / CYCLE_MS))
    env.send(to, message)
  }

  receive(from: PeerId, message: Shuffle, env: ShuffleEnv): void {
    if (message.type === 'answer') this.#merge(message, this.#sent)
    else {
      const answer = this.#pick('answer', SHUFFLE_SIZE, env)
      env.send(from, answer)
      this.#merge(message, answer.marks)
    }
  }

  /** A few entries at random: they are moved to the front and copied from there. */
  #pick(type: Shuffle['type'], count: number, env: ShuffleEnv): Shuffle & { peers: PeerId[]; marks: number[] } {
    const held = this.#peers.length
    const some = Math.min(count, held)
    for (let index = 0; index < some; index++) this.#swap(index, index + env.rng.below(held - index))
    return { type, peers: this.#peers.slice(0, some), marks: this.#marks.slice(0, 2 * some) }
  }

  #merge({ peers, marks }: Shuffle, replaceable: readonly number[]): void {
    let replaced = 0
    for (let index = 0; index < peers.length; index++) {
      const fingerprint = marks[2 * index]!
      if (fingerprint === this.#fingerprint || this.#indexOf(fingerprint) >= 0) continue
      let at = this.#peers.length
      if (at === VIEW_SIZE) {
        at = -1
        for (; at < 0 && replaced < replaceable.length; replaced += 2) at = this.#indexOf(replaceable[replaced]!)
        if (at < 0) return
      }
      this.#peers[at] = peers[index]!
      this.#marks[2 * at] = fingerprint
      this.#marks[2 * at + 1] = marks[2 * index + 1]!
    }
  }

  #indexOf(fingerprint: number): number {
    const marks = this.#marks
    for (let index = 0; index < marks.length; index += 2) if (marks[index] === fingerprint) return index >> 1
    return -1
  }

  #moveLast(index: number): void {
    this.#swap(index, this.#peers.length - 1)
  }

  #swap(one: number, other: number): void {
    const peers = this.#peers
    const marks = this.#marks
    const [peer, fingerprint, birth] = [peers[one]!, marks[2 * one]!, marks[2 * one + 1]!]
    peers[one] = peers[other]!
    marks[2 * one] = marks[2 * other]!
    marks[2 * one + 1] = marks[2 * other + 1]!
    peers[other] = peer
    marks[2 * other] = fingerprint
    marks[2 * other + 1] = birth
  }
}

interface Word {
  readonly type: 'ask' | 'answer'
}

const emptyWire: Wire<Word> = { id: '/roost/bench-empty/1', messageBytesMax: 64, parse: (value) => value as Word }

/** Asks its contacts in turn, answers, and keeps nothing: as little as a protocol can do. */
class Asking implements Protocol<Word, null, never> {
  readonly #contacts: readonly PeerId[]
  #askedCount = 0

  constructor(contacts: readonly PeerId[]) {
    this.#contacts = contacts
  }

  start(env: Env<Word, null, never>): void {
    env.wakeAfter(env.rng.real() * CYCLE_MS, null)
  }

  wake(_timer: null, env: Env<Word, null, never>): void {
    env.wakeAfter(CYCLE_MS, null)
    env.send(this.#contacts[this.#askedCount++ % this.#contacts.length]!, { type: 'ask' })
  }

  receive(from: PeerId, { type }: Word, env: Env<Word, null, never>): void {
    if (type === 'ask') env.send(from, { type: 'answer' })
  }
}

const PROTOCOLS = {
  empty: (node: NodeHost, _self: number, peers: PeerId[]) => node.mount(emptyWire, new Asking(peers), () => {}),
  cyclon: (node: NodeHost, self: number, peers: PeerId[], view: readonly number[]) =>
    node.mount(wire, new Shuffling(self, peers, view), () => {}),
} as const
type Name = keyof typeof PROTOCOLS

async function measure(name: Name, nodesCount: number, cyclesCount: number, seed: number): Promise<void> {
  const simulation = new Simulation({ seed, latency: uniformLatency({ minMs: 20, maxMs: 200 }) })
  const ids = Array.from({ length: nodesCount }, () => simulation.drawId())
  const baseBytes = process.memoryUsage().rss
  for (const [self, id] of ids.entries()) {
    const view = new Set<number>()
    while (view.size < Math.min(VIEW_SIZE, nodesCount - 1)) {
      const peer = simulation.chance.below(nodesCount)
      if (peer !== self) view.add(peer)
    }
    const peers = Array.from(view, (peer) => ids[peer]!)
    const numbers = [...view]
    simulation.addNode({ id, mount: (node) => PROTOCOLS[name](node, self, peers, numbers) })
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
      `${name.padEnd(6)} nodes ${nodesCount}`,
      `events/cpu-s median ${million(quantile(rates, 0.5))} p5 ${million(quantile(rates, 0.05))}`,
      `PeerSim ${peerSim === undefined ? '-' : million(peerSim)}`,
      `cpu-s/cycle${nodesCount === 100_000 ? ` (PeerSim ${PEERSIM_CYCLE_CPU_SECONDS})` : ''} median ${quantile(cycleSeconds, 0.5).toFixed(3)} p95 ${quantile(cycleSeconds, 0.95).toFixed(3)}`,
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

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    nodes: { type: 'string' },
    only: { type: 'string' },
    cycles: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})
const sizes = values.nodes !== undefined ? [Number(values.nodes)] : values.quick ? [2_000] : [10_000, 100_000]
const cyclesCount = Number(values.cycles ?? (values.quick ? 10 : 50))
const seed = Number(values.seed)
console.log(
  `sim-engine: view ${VIEW_SIZE}, shuffle ${SHUFFLE_SIZE}, ${cyclesCount} cycles after ${WARM_UP_CYCLES}, seed ${seed}; ` +
    `${cpus()[0]?.model ?? 'unknown cpu'} under load ${loadavg()[0]!.toFixed(1)}, node ${process.version}, commit ${commit()}`,
)
for (const nodesCount of sizes)
  for (const name of ['empty', 'cyclon'] as const)
    if (values.only === undefined || values.only === name) await measure(name, nodesCount, cyclesCount, seed)
