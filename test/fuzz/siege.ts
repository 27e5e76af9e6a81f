import {
  createDiscovery,
  DescriptorChecker,
  pick,
  readDescriptor,
  seededRng,
  type CallEnv,
  type Descriptor,
  type Discovery,
  type DiscoveryOptions,
  type Env,
  type PeerId,
  type ProtocolHost,
  type Rng,
  type Surroundings,
} from '../../overlay/index.ts'
import { EMPTY_LAYOUT } from '../../overlay/placement/layout.ts'
import { decode, encode } from '../../node/codec/index.ts'
import { SimulatedCrypto } from '../../sim/engine/crypto.ts'
import { Simulation, uniformLatency, type NodeHost } from '../../sim/engine/index.ts'
import { Liar } from './liar.ts'
import { Templates } from './templates.ts'

/**
 * Honest nodes with their real protocols, on virtual time, and liars among them. A liar runs the same protocols, so that it is a member
 * like any other, but much of what it sends and answers is changed on its way out, and it tells lies beside, of every kind that it ever
 * sent or was sent. What must hold at every moment is an invariant of the simulation; what must hold afterwards is asked once the liars
 * have gone.
 */

export interface SiegeOptions {
  readonly seed: number
  readonly honestCount?: number
  readonly liarCount?: number
  /** Identities that each liar may sign as, beside its own. */
  readonly sybilCount?: number
  readonly discovery?: Pick<DiscoveryOptions, 'selection' | 'membership' | 'sampling'>
}

/** A grid that is cut into cells, by name and by attributes, as one of thousands is. */
export const MANY_CELLS = {
  honestCount: 140,
  discovery: {
    selection: {
      cellCountMax: 40,
      cellCountMin: 10,
      layoutRestMs: 20_000,
      layoutSettleMs: 3_000,
      layoutRetireMs: 10_000,
      groupingCount: 2,
      attributesPerGrouping: 2,
    },
  },
} satisfies Partial<SiegeOptions>

/** Lies of all liars in a second, beside what is changed of their own messages: one in so many of these. */
const LIES_PER_SECOND = 400
const CHANGED_SHARE = 4
/** Between two questions that somebody asks during a siege. */
const ASK_MS = 500
const CHECK_MS = 1_000
/** Timers and messages under way, for each honest node: a handful of each for every peer that it knows. */
const PENDING_PER_NODE_MAX = 5_000
/** Messages that the grid may send for each lie, beyond what it sends anyway. A list of wants is the costliest. */
const ECHOES_PER_LIE_MAX = 40
/** How long the grid may take to be itself again. */
const HEAL_MS_MAX = 300_000
/** How many in a row have to find what is asked for. */
const ASKED_COUNT = 5
/** What a node without a layout takes at most, and then some steps of it. */
const EPOCH_MAX = 2 ** 31 + 1_000_000
const WALL_START_MS = 1_893_456_000_000
const LABEL = 'Honest'

interface Besieger {
  readonly id: PeerId
  readonly liar: Liar
  readonly discovery: Discovery
  readonly envs: ReadonlyMap<string, Env<unknown, unknown, unknown>>
  readonly calls: ReadonlyMap<string, CallEnv<unknown, unknown>>
}

export class Siege {
  readonly simulation: Simulation
  /** What honest nodes refused, by protocol and reason. */
  readonly refusedBy = new Map<string, number>()
  liesCount = 0
  /** What the grid sent for each lie, beyond what it sends anyway, when it was last lied to. */
  echoesPerLie = 0
  readonly #options: Required<SiegeOptions>
  readonly #rng: Rng
  readonly #honest = new Map<PeerId, Discovery>()
  readonly #besiegers: Besieger[] = []
  readonly #templates = new Templates()
  /** What was ever signed as a descriptor, by node, sequence and content. */
  readonly #signed = new Set<string>()
  #isLying = false
  /** Lies that are still to be told; they wait as events too. */
  #plannedCount = 0

  constructor(options: SiegeOptions) {
    this.#options = { honestCount: 10, liarCount: 2, sybilCount: 40, discovery: {}, ...options }
    const { seed, honestCount, liarCount } = this.#options
    this.#rng = seededRng(seed)
    this.simulation = new Simulation({
      seed,
      passage: { encode, decode },
      latency: uniformLatency({ minMs: 0.5, maxMs: 20 }),
      eventsPendingMax: 2_000_000,
      wallStartMs: WALL_START_MS,
      replay: `ROOST_SEED=${seed} vitest run test/fuzz/siege.test.ts`,
    })
    for (let index = 0; index < honestCount; index++) this.#addHonest(index)
    for (let index = 0; index < liarCount; index++) this.#addLiar(index)
    this.simulation.invariant('what a node holds was signed', () => this.#unsigned(), { everyMs: CHECK_MS })
    this.simulation.invariant('what a node holds is bounded', () => this.#unbounded(), { everyMs: CHECK_MS })
  }

  /** What was sent in this grid as it was meant, for every protocol. */
  get templates(): Templates {
    return this.#templates
  }

  /** The newest layout that an honest node goes by. */
  get epoch(): number {
    return Math.max(...[...this.#honest.values()].map(({ selectionState }) => selectionState.epoch))
  }

  /** Lets everybody find each other; the liars keep the rules for so long. */
  async settle(): Promise<void> {
    const { simulation } = this
    const isWhole = await this.#allFind(LABEL, this.#honest.size)
    simulation.demand('the grid comes together', isWhole, `not within ${HEAL_MS_MAX} ms`)
    for (const { discovery } of this.#besiegers) await this.#ask(discovery, LABEL)
  }

  /** So many lies, at a steady rate, while honest nodes go on asking. */
  async lie(count: number): Promise<void> {
    const { simulation } = this
    const quiet = await this.#sentIn(5_000)
    const before = simulation.counts.sent
    const startMs = simulation.nowMs
    const forMs = (count * 1_000) / LIES_PER_SECOND
    this.#isLying = true
    this.#plannedCount += count
    for (let lie = 0; lie < count; lie++) simulation.act((lie * 1_000) / LIES_PER_SECOND, () => this.#lieOnce())
    for (let atMs = 0; atMs < forMs; atMs += ASK_MS) simulation.act(atMs, () => this.#askSomeone())
    await simulation.run(forMs + 1_000)
    this.#isLying = false
    const usual = (quiet / 5_000) * (simulation.nowMs - startMs)
    this.echoesPerLie = (simulation.counts.sent - before - usual) / count
    const isCheap = this.echoesPerLie <= ECHOES_PER_LIE_MAX
    simulation.demand('lies cost little', isCheap, `${this.echoesPerLie} messages for one`)
  }

  /** The liars are gone, and the grid is itself again: all are found by all, and what was said a moment ago is. */
  async heal(): Promise<void> {
    const { simulation } = this
    for (const { id } of this.#besiegers) simulation.crash(id)
    const [first] = this.#honest.values()
    first!.update({ attributes: { [LABEL]: true, Healed: true } })
    const late = `not within ${HEAL_MS_MAX} ms`
    simulation.demand('all are found again', await this.#allFind(LABEL, this.#honest.size), late)
    simulation.demand('what was said last is found', await this.#allFind('Healed', 1), late)
  }

  #addHonest(index: number): void {
    const { simulation } = this
    const [seedId] = this.#honest.keys()
    const id = simulation.drawId()
    simulation.addNode({
      id,
      mount: (node) => {
        const host = { ...hostOf(node), surroundings: this.#noting(node.surroundings) }
        this.#honest.set(id, this.#discover(host, index, { [LABEL]: true, Cores: 1 + (index % 8) }, seedId))
      },
    })
  }

  #addLiar(index: number): void {
    const { simulation } = this
    const { seed, sybilCount } = this.#options
    const [seedId] = this.#honest.keys()
    const sybilIds = Array.from({ length: sybilCount }, () => simulation.drawId())
    simulation.addNode({
      mount: (node) => {
        const surroundings = this.#noting(node.surroundings)
        const sybils = sybilIds.map((id) => this.#noting(surroundingsOf(node, id, new SimulatedCrypto(id, seed))))
        const liar = new Liar([surroundings, ...sybils], seededRng(seed + index))
        const envs = new Map<string, Env<unknown, unknown, unknown>>()
        const calls = new Map<string, CallEnv<unknown, unknown>>()
        const host = this.#lyingHost(node, { liar, envs, calls, surroundings })
        const discovery = this.#discover(host, 1_000 + index, { Liar: true, Cores: 4 }, seedId)
        this.#besiegers.push({ id: node.self, liar, discovery, envs, calls })
      },
    })
  }

  #discover(
    host: ProtocolHost,
    index: number,
    attributes: DiscoveryOptions['attributes'],
    seedId: PeerId | undefined,
  ): Discovery {
    return createDiscovery(
      {
        host,
        onAddress: () => {},
        onEvent: (event) => {
          const name = event.type === 'refused' ? `${event.protocol} ${event.reason}` : event.type
          this.refusedBy.set(name, (this.refusedBy.get(name) ?? 0) + 1)
        },
      },
      {
        name: `node${index}`,
        addresses: [`/ip4/127.0.0.1/tcp/${10_000 + index}`],
        attributes,
        seeds: seedId === undefined ? [] : [{ peer: seedId, addresses: ['/ip4/127.0.0.1/tcp/10000'] }],
        checker: new DescriptorChecker(),
        ...this.#options.discovery,
      },
    )
  }

  /** A host whose node means what it sends, and sends something else. */
  #lyingHost(
    node: NodeHost,
    of: {
      readonly liar: Liar
      readonly envs: Map<string, Env<unknown, unknown, unknown>>
      readonly calls: Map<string, CallEnv<unknown, unknown>>
      readonly surroundings: Surroundings
    },
  ): ProtocolHost {
    const { liar, envs, calls, surroundings } = of
    const changed = (message: unknown, to: PeerId): unknown =>
      this.#isLying && this.#rng.below(CHANGED_SHARE) === 0 ? liar.lie(message, to) : message
    const mount: ProtocolHost['mount'] = (wire, protocol, onEvent) => {
      const keep = (message: unknown): void => {
        liar.hear(message)
        this.#templates.keep(wire.id, message)
      }
      const receive: typeof protocol.receive = (from, message, env) => {
        keep(message)
        protocol.receive(from, message, env)
      }
      const lying: typeof protocol = {
        start: (env) => protocol.start(sending(env)),
        receive: (from, message, env) => receive(from, message, sending(env)),
        wake: (timer, env) => protocol.wake(timer, sending(env)),
      }
      const sending = (env: Env<never, never, never>): any =>
        overridden(env, {
          send: (to: PeerId, message: unknown) => {
            keep(message)
            env.send(to, changed(message, to) as never)
          },
        })
      const env = node.mount(wire, lying, onEvent)
      envs.set(wire.id, env as unknown as Env<unknown, unknown, unknown>)
      return sending(env as never)
    }
    const serve: ProtocolHost['serve'] = (wire, service) => {
      const answer: typeof service.answer = async (from, request) => {
        this.#templates.keep(`${wire.id} request`, request)
        const reply = await service.answer(from, request)
        this.#templates.keep(`${wire.id} reply`, reply)
        return changed(reply, from) as typeof reply
      }
      const env = node.serve(wire, { answer })
      calls.set(wire.id, env as unknown as CallEnv<unknown, unknown>)
      const call: typeof env.call = async (to, request, options) => {
        this.#templates.keep(`${wire.id} request`, request)
        const reply = await env.call(to, request, options)
        this.#templates.keep(`${wire.id} reply`, reply)
        return reply
      }
      return overridden(env, { call })
    }
    return { self: node.self, surroundings, mount, serve }
  }

  #lieOnce(): void {
    this.liesCount++
    this.#plannedCount--
    const rng = this.#rng
    const { liar, envs, calls } = pick(this.#besiegers, rng)!
    const victim = pick([...this.#honest.keys()], rng)!
    liar.peers.add(victim)
    const id = pick([...envs.keys(), ...calls.keys()], rng)!
    const call = calls.get(id)
    const template = this.#templates.draw(call === undefined ? id : `${id} request`, rng)
    // Rare ones, of which a small grid may have sent none.
    const rare = { type: 'layout', layout: EMPTY_LAYOUT }
    const message = liar.lie(id.includes('/selection/') && rng.below(10) === 0 ? rare : template, victim)
    if (call === undefined) envs.get(id)!.send(victim, message)
    else call.call(victim, message, { timeoutMs: 2_000 }).catch(() => {})
  }

  #askSomeone(): void {
    const discovery = pick([...this.#honest.values()], this.#rng)!
    const count = pick([1, 5, 1_000], this.#rng)!
    discovery.find({ where: LABEL, count }, { timeoutMs: 5_000 }).then(
      ({ candidates }) => {
        const ids = candidates.map(({ id }) => id)
        if (new Set(ids).size !== ids.length || ids.length > count) throw new Error('too many, or one twice')
      },
      (thrown: unknown) => {
        throw thrown
      },
    )
  }

  async #ask(discovery: Discovery, where: string): Promise<readonly PeerId[]> {
    const find = (): ReturnType<Discovery['find']> => discovery.find({ where, count: 1_000 }, { timeoutMs: 10_000 })
    return (await this.simulation.converse(find, 20_000)).candidates.map(({ id }) => id)
  }

  /** Whether a few, whoever is asked, come to find so many nodes. */
  async #allFind(where: string, count: number): Promise<boolean> {
    const endMs = this.simulation.nowMs + HEAL_MS_MAX
    for (let right = 0; this.simulation.nowMs < endMs;) {
      const found = await this.#ask(pick([...this.#honest.values()], this.#rng)!, where)
      right = found.length === count ? right + 1 : 0
      if (right === ASKED_COUNT) return true
      if (right === 0) await this.simulation.run(1_000)
    }
    return false
  }

  /** Notes every descriptor as it is signed. */
  #noting(of: Surroundings): Surroundings {
    const { crypto } = of
    const sign: typeof crypto.sign = (context, value) => {
      if (context === 'descriptor') this.#signed.add(contentOf(value as unknown as Descriptor))
      return crypto.sign(context, value)
    }
    return overridden(of, { crypto: overridden(crypto, { sign }) })
  }

  #unsigned(): string | undefined {
    for (const [id, discovery] of this.#honest) {
      for (const node of discovery.list())
        if (!this.#signed.has(contentOf({ ...node, peer: node.id })))
          return `${id} lists ${node.id} as nobody signed it`
      for (const descriptor of discovery.sampled())
        if (!this.#signed.has(contentOf(descriptor))) return `${id} samples ${descriptor.peer} as nobody signed it`
    }
    return undefined
  }

  #unbounded(): string | undefined {
    const { honestCount, liarCount, sybilCount } = this.#options
    const everyoneCount = honestCount + liarCount * (1 + sybilCount)
    for (const [id, discovery] of this.#honest) {
      if (discovery.list().length > everyoneCount) return `${id} lists more nodes than ever signed anything`
      const sampled = discovery.sampled().map(({ peer }) => peer)
      if (new Set(sampled).size !== sampled.length || sampled.includes(id)) return `${id} has a peer twice in its view`
      const own = readDescriptor(decode(encode(discovery.own() as never), { bytesMax: 65_536 }), 'own')
      // A new word a second would be many; a number that a stranger chose shows at once.
      if (own.sequence > WALL_START_MS + this.simulation.nowMs + 10_000)
        return `${id} was made to count to ${own.sequence}`
    }
    if (this.epoch > EPOCH_MAX) return `somebody goes by layout ${this.epoch}`
    const underWay = this.simulation.pendingCount - this.#plannedCount
    const isMuch = underWay > PENDING_PER_NODE_MAX * honestCount
    return isMuch ? `${underWay} messages and timers are under way` : undefined
  }

  async #sentIn(ms: number): Promise<number> {
    const before = this.simulation.counts.sent
    await this.simulation.run(ms)
    return this.simulation.counts.sent - before
  }
}

function contentOf(of: Pick<Descriptor, 'peer' | 'name' | 'sequence' | 'addresses' | 'attributes'>): string {
  const { peer, name, sequence, addresses, attributes } = of
  const sorted = Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([peer, name, sequence, addresses, sorted])
}

function hostOf(node: NodeHost): ProtocolHost {
  return {
    self: node.self,
    surroundings: node.surroundings,
    mount: (...mounted) => node.mount(...mounted),
    serve: (...served) => node.serve(...served),
  }
}

/** The same object, but for a few of its fields. */
export function overridden<Target extends object>(target: Target, fields: Partial<Target>): Target {
  return new Proxy(target, {
    get: (inner, name) => {
      if (Object.hasOwn(fields, name)) return Reflect.get(fields, name)
      const value: unknown = Reflect.get(inner, name, inner)
      return typeof value === 'function' ? value.bind(inner) : value
    },
  })
}

function surroundingsOf(node: NodeHost, self: PeerId, crypto: Surroundings['crypto']): Surroundings {
  const { surroundings } = node
  return {
    self,
    crypto,
    rng: surroundings.rng,
    get nowMs() {
      return surroundings.nowMs
    },
    get wallMs() {
      return surroundings.wallMs
    },
  }
}
