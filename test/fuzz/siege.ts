import {
  createDiscovery,
  DescriptorChecker,
  readDescriptor,
  seededRng,
  type CallEnv,
  type Descriptor,
  type Discovery,
  type Env,
  type PeerId,
  type ProtocolHost,
  type Surroundings,
} from '../../overlay/index.ts'
import { decode, encode } from '../../node/codec/index.ts'
import { SimulatedCrypto } from '../../sim/engine/crypto.ts'
import { Simulation, uniformLatency, type NodeHost } from '../../sim/engine/index.ts'
import { goldenProtocols } from '../golden/examples.ts'
import { Liar } from './liar.ts'
import { WIRES } from './targets.ts'

/**
 * Honest nodes with their real protocols, on virtual time, and liars among them that send false messages to every protocol, answer
 * falsely, and sign for any number of sybils. What must hold at every moment is an invariant of the simulation; what must hold
 * afterwards is asked once the liars have gone.
 */

export interface SiegeOptions {
  readonly seed: number
  readonly honestCount?: number
  readonly liarCount?: number
  /** Identities that each liar may sign as, beside its own. */
  readonly sybilCount?: number
}

/** Messages of all liars in a second. */
const LIES_PER_SECOND = 400
const CHECK_MS = 1_000
/** Timers and messages under way, for each honest node: a handful of each for every peer that it knows. */
const PENDING_PER_NODE_MAX = 5_000
/** Messages that the grid may send for each that a liar sends, beyond what it sends anyway. A list of wants is the costliest. */
const ECHOES_PER_LIE_MAX = 40
/** How long the grid may take to be itself again. */
const HEAL_MS_MAX = 180_000
const LABEL = 'Honest'

export class Siege {
  readonly simulation: Simulation
  readonly #options: Required<SiegeOptions>
  readonly #honest = new Map<PeerId, Discovery>()
  readonly #liars: {
    readonly id: PeerId
    readonly liar: Liar
    readonly envs: Map<string, Env<unknown, unknown, unknown>>
    readonly calls: Map<string, CallEnv<unknown, unknown>>
  }[] = []
  /** What was ever signed as a descriptor, by node, sequence and content. */
  readonly #signed = new Set<string>()
  readonly refusedBy = new Map<string, number>()
  liesCount = 0
  /** Lies that are still to be told; they wait as events too. */
  #plannedCount = 0
  /** What the grid sent for each lie, beyond what it sends anyway, when it was last lied to. */
  echoesPerLie = 0

  constructor(options: SiegeOptions) {
    this.#options = { honestCount: 10, liarCount: 2, sybilCount: 40, ...options }
    const { seed, honestCount, liarCount } = this.#options
    this.simulation = new Simulation({
      seed,
      passage: { encode, decode },
      latency: uniformLatency({ minMs: 0.5, maxMs: 20 }),
      eventsPendingMax: 1_000_000,
      replay: `ROOST_SEED=${seed} vitest run test/fuzz/siege.test.ts`,
    })
    for (let index = 0; index < honestCount; index++) this.#addHonest(index)
    for (let index = 0; index < liarCount; index++) this.#addLiar()
    this.simulation.invariant('what a node holds was signed', () => this.#unsigned(), { everyMs: CHECK_MS })
    this.simulation.invariant('what a node holds is bounded', () => this.#unbounded(), { everyMs: CHECK_MS })
  }

  /** Lets the honest find each other, undisturbed. */
  async settle(): Promise<void> {
    await this.simulation.until(() => this.#isWhole(), HEAL_MS_MAX)
  }

  /** So many lies, at a steady rate. */
  async lie(count: number): Promise<void> {
    const { simulation } = this
    const quiet = await this.#sentIn(5_000)
    const before = simulation.counts.sent
    const startMs = simulation.nowMs
    this.#plannedCount += count
    for (let lie = 0; lie < count; lie++)
      simulation.act((lie * 1_000) / LIES_PER_SECOND, () => this.#lieOnce(simulation.chance.next()))
    await simulation.run((count * 1_000) / LIES_PER_SECOND + 1_000)
    const usual = (quiet / 5_000) * (simulation.nowMs - startMs)
    this.echoesPerLie = (simulation.counts.sent - before - usual) / count
    simulation.demand(
      'lies cost little',
      this.echoesPerLie <= ECHOES_PER_LIE_MAX,
      `${this.echoesPerLie} messages for one`,
    )
  }

  /** The liars are gone, and the grid is itself again: everybody knows everybody, and finds what was said a moment ago. */
  async heal(): Promise<void> {
    const { simulation } = this
    for (const { id } of this.#liars) simulation.crash(id)
    const first = [...this.#honest.values()][0]!
    first.update({ attributes: { [LABEL]: true, Healed: true } })
    const isWhole = await simulation.until(() => this.#isWhole(), HEAL_MS_MAX)
    simulation.demand('the grid is whole again', isWhole, `not within ${HEAL_MS_MAX} ms: ${this.#whoIsMissing()}`)
    for (const discovery of this.#honest.values()) {
      const ask = (where: string): Promise<readonly unknown[]> =>
        simulation.converse(
          async () => (await discovery.find({ where, count: 1_000 }, { timeoutMs: 10_000 })).candidates,
          20_000,
        )
      simulation.demand('all are found', (await ask(LABEL)).length === this.#honest.size, 'some are not')
      simulation.demand('what was said last is found', (await ask('Healed')).length === 1, 'it is not')
    }
  }

  #addHonest(index: number): void {
    const { simulation } = this
    const [seedId] = this.#honest.keys()
    const id = simulation.drawId()
    simulation.addNode({
      id,
      mount: (node) => {
        const discovery = createDiscovery(
          {
            host: this.#recording(node),
            onAddress: () => {},
            onEvent: (event) => {
              const name = event.type === 'refused' ? `${event.protocol} ${event.reason}` : event.type
              this.refusedBy.set(name, (this.refusedBy.get(name) ?? 0) + 1)
            },
          },
          {
            name: `node${index}`,
            addresses: [`/ip4/127.0.0.1/tcp/${10_000 + index}`],
            attributes: { [LABEL]: true, Cores: 1 + (index % 8) },
            seeds: seedId === undefined ? [] : [{ peer: seedId, addresses: ['/ip4/127.0.0.1/tcp/10000'] }],
            checker: new DescriptorChecker(),
          },
        )
        this.#honest.set(id, discovery)
      },
    })
  }

  #addLiar(): void {
    const { simulation } = this
    const { seed, sybilCount } = this.#options
    const sybilIds = Array.from({ length: sybilCount }, () => simulation.drawId())
    simulation.addNode({
      mount: (node) => {
        const host = this.#recording(node)
        const sybils = sybilIds.map((id) => this.#noting(surroundingsOf(node, id, new SimulatedCrypto(id, seed))))
        const liar = new Liar([host.surroundings, ...sybils], seededRng(seed + this.#liars.length))
        const envs = new Map<string, Env<unknown, unknown, unknown>>()
        const calls = new Map<string, CallEnv<unknown, unknown>>()
        for (const wire of WIRES) {
          if ('parse' in wire)
            envs.set(
              wire.id,
              node.mount(
                wire,
                { start: () => {}, receive: (_, message) => liar.hear(message), wake: () => {} },
                () => {},
              ),
            )
          else
            calls.set(
              wire.id,
              node.serve(wire, {
                answer: (from, request) => {
                  liar.hear(request)
                  return liar.lie(templateFor(`${shortName(wire.id)}-reply`, simulation.chance.next()), from)
                },
              }),
            )
        }
        this.#liars.push({ id: node.self, liar, envs, calls })
      },
    })
  }

  #lieOnce(chance: number): void {
    const rng = seededRng(chance)
    const honest = [...this.#honest.keys()]
    const { liar, envs, calls } = this.#liars[rng.below(this.#liars.length)]!
    const victim = honest[rng.below(honest.length)]!
    for (const id of honest) liar.peers.add(id)
    const wire = WIRES[rng.below(WIRES.length)]!
    const env = envs.get(wire.id)
    const call = calls.get(wire.id)
    const name = env === undefined ? `${shortName(wire.id)}-request` : shortName(wire.id)
    const message = liar.lie(templateFor(name, rng.next()), victim)
    this.liesCount++
    this.#plannedCount--
    if (env !== undefined) env.send(victim, message)
    else call?.call(victim, message, { timeoutMs: 2_000 }).catch(() => {})
  }

  /** A host whose node's descriptors are noted as they are signed: they are minted with the host's surroundings. */
  #recording(node: NodeHost): ProtocolHost {
    return {
      self: node.self,
      surroundings: this.#noting(node.surroundings),
      mount: (...mounted) => node.mount(...mounted),
      serve: (...served) => node.serve(...served),
    }
  }

  #noting(of: Surroundings): Surroundings {
    const { crypto } = of
    const sign: typeof crypto.sign = (context, value) => {
      if (context === 'descriptor') this.#signed.add(contentOf(value as unknown as Descriptor))
      return crypto.sign(context, value)
    }
    return withCrypto(of, { hash: (value) => crypto.hash(value), verify: (...given) => crypto.verify(...given), sign })
  }

  #unsigned(): string | undefined {
    for (const [id, discovery] of this.#honest) {
      for (const node of discovery.list())
        if (!this.#signed.has(contentOf({ ...node, peer: node.id })))
          return `${id} lists ${node.id} as nobody signed it`
      for (const descriptor of discovery.sampled())
        if (!this.#signed.has(contentOf(descriptor)))
          return `${id} has ${descriptor.peer} in its view as nobody signed it`
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
      // A number a second would be many; one that a stranger chose shows at once.
      if (own.sequence > 1_893_456_000_000 + this.simulation.nowMs + 10_000)
        return `${id} was made to count to ${own.sequence}`
    }
    const pendingMax = PENDING_PER_NODE_MAX * honestCount
    const underWay = this.simulation.pendingCount - this.#plannedCount
    return underWay > pendingMax ? `${underWay} messages and timers are under way` : undefined
  }

  #isWhole(): boolean {
    return this.#whoIsMissing() === undefined
  }

  #whoIsMissing(): string | undefined {
    for (const [id, discovery] of this.#honest)
      for (const [other, its] of this.#honest) {
        const known = discovery.get(other)
        if (known?.state !== 'alive') return `${other} is ${known?.state ?? 'unknown'} to ${id}`
        if (known.sequence !== its.own().sequence) return `${id} holds an old word of ${other}`
      }
    return undefined
  }

  async #sentIn(ms: number): Promise<number> {
    const before = this.simulation.counts.sent
    await this.simulation.run(ms)
    return this.simulation.counts.sent - before
  }
}

function templateFor(name: string, chance: number): unknown {
  const { examples } = goldenProtocols.find((protocol) => protocol.name === name)!
  const all = Object.values(examples)
  return all[chance % all.length]
}

function shortName(wireId: string): string {
  return wireId.split('/').slice(-2).join('-')
}

function contentOf({
  peer,
  name,
  sequence,
  addresses,
  attributes,
}: Pick<Descriptor, 'peer' | 'name' | 'sequence' | 'addresses' | 'attributes'>): string {
  const sorted = Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([peer, name, sequence, addresses, sorted])
}

/** The same world, with another pen. */
function withCrypto<World extends Surroundings>(world: World, crypto: Surroundings['crypto']): World {
  return new Proxy(world, {
    get: (inner, name) => {
      if (name === 'crypto') return crypto
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
