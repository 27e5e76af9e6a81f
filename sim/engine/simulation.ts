import assert from 'node:assert'
import type { PeerId, Rng } from '../../overlay/env/index.ts'
import { asRoostError, RoostError } from '../../overlay/error/index.ts'
import { chanceFor } from './chance.ts'
import { TICKS_PER_MS } from './clock.ts'
import { Conversations } from './conversations.ts'
import { HeldEvents, type PausedNetwork } from './held.ts'
import { Invariants, type Broken, type Check } from './invariants.ts'
import { type Counts, describeTime, Kernel, KIND, type Watch } from './kernel.ts'
import { drawPeerId } from './names.ts'
import { Network, NODES_MAX, type NetworkOptions } from './network.ts'
import { type Mount, type NodeCommons, NodeState } from './node.ts'
import { codecPassage, strictPassage, type Codec } from './passage.ts'
import type { Traffic } from './traffic.ts'

export interface SimulationOptions extends NetworkOptions {
  /** A whole number from 0 to 2^53: everything follows from it. */
  readonly seed: number
  /** How values cross: `plain` as they are (fast), `strict` measured, frozen and parsed, or as bytes through this codec. */
  readonly passage?: 'plain' | 'strict' | Codec
  /** Unix time in milliseconds at virtual time 0. */
  readonly wallStartMs?: number
  /** Each node's wall clock is wrong by up to this much, either way. 0 by default. */
  readonly wallSkewMsMax?: number
  /** Events that may be pending at once; one more ends the run with `BUSY`. Each takes about 40 bytes and its message. */
  readonly eventsPendingMax?: number
  /** The command line that runs this again. */
  readonly replay?: string
}

/** What `addNode` takes. */
export interface NodeOptions {
  /** By default a fresh one of the right form. */
  readonly id?: PeerId
  /** Builds the node: when it is added, and anew at each restart. */
  readonly mount: Mount
}

/**
 * Many nodes on virtual time, under failures, in one process. A simulation is a pure function of its seed and of what it is
 * told to do: two runs have the same events in the same order, and the same `traceHash`.
 *
 * A protocol that throws, an invariant that does not hold, and a full queue end the run: `run` rejects, every time.
 */
export class Simulation {
  readonly seed: number
  readonly network: Network
  /** For whoever stages the run: which nodes fail, and when. */
  readonly chance: Rng
  readonly #kernel: Kernel
  readonly #commons: NodeCommons
  readonly #invariants = new Invariants()
  readonly #names: Rng
  readonly #clocks: Rng
  readonly #wallSkewMsMax: number
  readonly #replay: string
  #running = false
  #failure: RoostError | undefined

  constructor(options: SimulationOptions) {
    const { seed, passage = 'plain' } = options
    assert(Number.isSafeInteger(seed) && seed >= 0, 'a seed is a whole number from 0')
    this.seed = seed
    this.#kernel = new Kernel({
      seed,
      eventsPendingMax: options.eventsPendingMax ?? EVENTS_PENDING_MAX,
      passage: passage === 'plain' ? undefined : passage === 'strict' ? strictPassage : codecPassage(passage),
    })
    this.network = new Network(seed, this.#kernel.roster, options)
    this.#kernel.network = this.network
    this.#kernel.conversations = new Conversations(this.#kernel)
    this.#commons = { kernel: this.#kernel, seed, wallStartMs: options.wallStartMs ?? WALL_START_MS }
    this.chance = chanceFor(seed, 'scenario')
    this.#names = chanceFor(seed, 'names')
    this.#clocks = chanceFor(seed, 'clocks')
    this.#wallSkewMsMax = options.wallSkewMsMax ?? 0
    this.#replay = options.replay ?? `the same run with seed ${seed}`
  }

  /** Virtual time since the beginning. */
  get nowMs(): number {
    return this.#kernel.clock.nowMs
  }

  /** Sixteen hexadecimal digits that stand for every event so far. */
  get traceHash(): string {
    return this.#kernel.trace.hash
  }

  get counts(): Readonly<Counts> {
    const { counts, channels } = this.#kernel
    counts.bytesSent = 0
    for (const { meter } of channels) counts.bytesSent += meter.read().bytes
    return counts
  }

  /** What has set out so far, by wire id. Bytes are exact with `strict` or a codec, and estimated from a few messages without. */
  traffic(): ReadonlyMap<string, Traffic> {
    return new Map(this.#kernel.channels.map(({ wireId, meter }) => [wireId, meter.read()]))
  }

  /** Events that are still to happen. */
  get pendingCount(): number {
    return this.#kernel.queue.count
  }

  /** The names of all nodes, in the order in which they were added. It grows with them. */
  get ids(): readonly PeerId[] {
    return this.#kernel.roster.ids
  }

  /** The names of the nodes that are up, at this moment. */
  get upIds(): readonly PeerId[] {
    return this.ids.filter((_, index) => this.isUpAt(index))
  }

  get upCount(): number {
    return this.#kernel.upCount
  }

  /** A node that is up, each as likely; undefined where none is. */
  drawUp(rng: Rng): PeerId | undefined {
    const { ids, upCount } = this
    if (upCount === 0) return undefined
    if (upCount * SPARSE_FACTOR < ids.length) return this.upIds[rng.below(upCount)]
    for (;;) {
      const index = rng.below(ids.length)
      if (this.isUpAt(index)) return ids[index]
    }
  }

  isUp(id: PeerId): boolean {
    return this.#find(id).isUp
  }

  /** The same of the node that stands at this place of `ids`: how to go through a large grid. */
  isUpAt(index: number): boolean {
    return (this.#kernel.marks.at(index) & 1) !== 0
  }

  /** The place of a node in `ids`, or -1. */
  indexOf(id: PeerId): number {
    return this.#kernel.indexOf(id)
  }

  /** Adds a node and starts it now. Returns its name. */
  addNode({ id, mount }: NodeOptions): PeerId {
    const index = this.#kernel.nodes.length
    assert(index < NODES_MAX, `more than ${NODES_MAX} nodes`)
    const skewMs = this.#wallSkewMsMax === 0 ? 0 : (this.#clocks.real() * 2 - 1) * this.#wallSkewMsMax
    const node = new NodeState(this.#commons, index, id ?? this.drawId(), mount, skewMs)
    this.#kernel.attach(node)
    this.#begin(node)
    return node.id
  }

  /** A peer id of the right form that nobody has. */
  drawId(): PeerId {
    return drawPeerId(this.#names)
  }

  /** Power cut: memory, timers and conversations are gone, and what is under way to the node misses it. The disk stays. */
  crash(id: PeerId): void {
    this.#end(this.#find(id), { inOrder: false })
  }

  /** The daemon is stopped: as a crash, but its open calls and sleeps are rejected with `CANCELLED`. */
  stop(id: PeerId): void {
    this.#end(this.#find(id), { inOrder: true })
  }

  /** Starts a node that is down: its protocols are made anew, its disk is as it was left. */
  restart(id: PeerId): void {
    const node = this.#find(id)
    assert(!node.isUp, `${id} is up`)
    this.#begin(node)
  }

  /**
   * The machine stands still, as a laptop that sleeps (`lost`) or a process that is stopped (`held`). Time runs on: once resumed, the
   * node finds all that fell due in between, timers and what the network held for it.
   */
  pause(id: PeerId, network: PausedNetwork = 'lost'): void {
    const node = this.#find(id)
    assert(node.isUp && node.held === undefined, `${id} is not running`)
    node.pause(new HeldEvents(this.#kernel, network))
    this.#kernel.noteFault(node, FAULT.pause)
  }

  resume(id: PeerId): void {
    const node = this.#find(id)
    assert(node.held !== undefined, `${id} is not paused`)
    this.#kernel.noteFault(node, FAULT.resume)
    node.resume()
  }

  /** Sets a node's wall clock forward, or back. Monotonic time knows nothing of it. */
  jumpWall(id: PeerId, byMs: number): void {
    const node = this.#find(id)
    node.wallSkewMs += byMs
    this.#kernel.noteFault(node, FAULT.jump)
  }

  /** Does something at a time to come: a fault, a user's command. It may start conversations. */
  act(afterMs: number, action: () => void): void {
    assert(this.#kernel.nodes.length > 0, 'somebody must be there for something to happen')
    this.#kernel.schedule(KIND.act, 0, afterMs, 0, action)
  }

  /**
   * What must hold: after every event, or every so often. A check that returns words ends the run with `SIMULATION_VIOLATION`, whose data
   * is `{ invariant, seed, timeMs, replay }`.
   */
  invariant(name: string, check: Check, options: { readonly everyMs?: number } = {}): void {
    this.#invariants.add(name, check, this.#kernel.clock.nowTicks, options.everyMs)
  }

  /** What must hold now, at the end of a story for one: throws `SIMULATION_VIOLATION` where it does not. */
  demand(name: string, holds: boolean, reason: string): void {
    if (!holds) this.#refuse({ invariant: name, reason })
  }

  /** Lets `ms` of virtual time pass. */
  async run(ms: number): Promise<void> {
    await this.#runUntil(this.#kernel.clock.nowTicks + Math.ceil(ms * TICKS_PER_MS), undefined)
  }

  /** Lets time pass until `done` holds, which is looked at after every event. False where it did not within `boundMs`. */
  async until(done: () => boolean, boundMs: number): Promise<boolean> {
    return await this.#runUntil(this.#kernel.clock.nowTicks + Math.ceil(boundMs * TICKS_PER_MS), done)
  }

  /**
   * Starts a conversation and lets time pass until it has ended: its value, or what it was rejected with. `TIMEOUT` where that takes
   * longer than `boundMs`.
   */
  async converse<Value>(talk: () => Promise<Value>, boundMs: number): Promise<Value> {
    let outcome: { readonly value: Value } | { readonly thrown: unknown } | undefined
    this.act(0, () => {
      talk().then(
        (value) => (outcome = { value }),
        (thrown: unknown) => (outcome = { thrown }),
      )
    })
    await this.until(() => outcome !== undefined, boundMs)
    if (outcome === undefined) throw new RoostError('TIMEOUT', `a conversation is still open after ${boundMs} ms`)
    if ('thrown' in outcome) throw outcome.thrown
    return outcome.value
  }

  async #runUntil(untilTicks: number, done: (() => boolean) | undefined): Promise<boolean> {
    assert(!this.#running, 'the simulation is running already')
    if (this.#failure !== undefined) throw this.#failure
    this.#running = true
    const kernel = this.#kernel
    const watch = this.#watch(done)
    try {
      for (;;) {
        await settle()
        kernel.unsettled = false
        if (done?.()) return true
        const pace = kernel.run(untilTicks, watch)
        if (pace === 'watched') return true
        if (pace === 'idle') break
      }
      kernel.clock.nowTicks = Math.max(kernel.clock.nowTicks, untilTicks)
      this.#checkPeriodic(untilTicks)
      return false
    } catch (thrown) {
      throw (this.#failure = this.#asFailure(thrown))
    } finally {
      this.#running = false
    }
  }

  /** What is looked at between two events: what must hold, and whether the end has come. */
  #watch(done: (() => boolean) | undefined): Watch {
    const invariants = this.#invariants
    const kernel = this.#kernel
    return {
      get dueTicks() {
        return done !== undefined || invariants.hasAlways ? -1 : invariants.dueTicks
      },
      look: (nowTicks) => {
        if (nowTicks >= invariants.dueTicks) this.#checkPeriodic(nowTicks)
        if (invariants.hasAlways) this.#refuse(invariants.brokenNow())
        return !kernel.unsettled && done !== undefined && done()
      },
    }
  }

  #checkPeriodic(nowTicks: number): void {
    this.#refuse(this.#invariants.brokenBy(nowTicks))
  }

  #refuse(broken: Broken | undefined): void {
    if (broken !== undefined)
      throw this.#violation(`${broken.invariant}: ${broken.reason}`, { invariant: broken.invariant })
  }

  #asFailure(thrown: unknown): RoostError {
    if (thrown instanceof RoostError && (thrown.code === 'SIMULATION_VIOLATION' || thrown.code === 'BUSY'))
      return thrown
    return this.#violation(`a protocol threw: ${asRoostError(thrown).message}`, {}, thrown)
  }

  #violation(message: string, data: Readonly<Record<string, unknown>>, cause?: unknown): RoostError {
    const { nowTicks } = this.#kernel.clock
    return new RoostError('SIMULATION_VIOLATION', `${message} (seed ${this.seed}, at ${describeTime(nowTicks)})`, {
      data: { ...data, seed: this.seed, timeMs: nowTicks / TICKS_PER_MS, replay: this.#replay },
      hint: `replay: ${this.#replay}`,
      ...(cause !== undefined && { cause }),
    })
  }

  #begin(node: NodeState): void {
    this.#kernel.noteFault(node, FAULT.start)
    node.begin()
    if (node.converses) this.#kernel.unsettled = true
  }

  #end(node: NodeState, how: { readonly inOrder: boolean }): void {
    if (!node.isUp) return
    this.#kernel.noteFault(node, FAULT.end)
    this.#kernel.conversations.leave(node, how)
    node.end()
  }

  #find(id: PeerId): NodeState {
    const node = this.#kernel.find(id)
    assert(node !== undefined, `no node is called ${id}`)
    return node
  }
}

/** With fewer than one node in so many up, a list of them is quicker than luck. */
const SPARSE_FACTOR = 16

/** 2^24: at ten pending events a node, a grid of more than a million. */
export const EVENTS_PENDING_MAX = 16_777_216

/** A Tuesday: 2030-01-01T00:00Z. */
const WALL_START_MS = 1_893_456_000_000

/** What happened to a node, in traces. */
const FAULT = { start: 1, end: 2, pause: 3, resume: 4, jump: 5 } as const

/**
 * Resolves when no promise has a continuation left to run: the next turn of the event loop begins only when the queue of
 * continuations is empty. So it is exact, whatever the length of their chains, and costs about a microsecond.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
