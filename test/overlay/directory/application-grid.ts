import { Applications, RoostError, applicationsWire, checkPublication } from '../../../overlay/index.ts'
import type {
  ApplicationPorts,
  ApplicationReply,
  ApplicationRequest,
  PeerId,
  PublicationFields,
  Service,
} from '../../../overlay/index.ts'
import { Simulation, type SimulationOptions } from '../../../sim/engine/index.ts'

export const VO = 'vo'
export const WALL_START_MS = 1_790_000_000_000

/** Nodes of a directory on virtual time. Who is nearest to a key is reckoned from ids, as a DHT that knows everybody would. */
export class ApplicationGrid {
  readonly simulation: Simulation
  readonly ids: PeerId[] = []
  readonly nodes = new Map<PeerId, Applications>()
  readonly refused: { readonly by: PeerId; readonly peer: PeerId; readonly reason: string }[] = []
  /** Nodes that everybody takes for dead; the others are found out by asking them. */
  readonly gone = new Set<PeerId>()
  /** Whose words are believed. */
  readonly members = new Set<PeerId>()
  /** What this node answers in place of the directory. */
  readonly liars = new Map<PeerId, (request: ApplicationRequest) => ApplicationReply>()

  constructor({ count, ...options }: Partial<SimulationOptions> & { readonly count: number }) {
    this.simulation = new Simulation({ seed: 1, passage: 'strict', wallStartMs: WALL_START_MS, ...options })
    for (let index = 0; index < count; index++) this.add()
  }

  add(): PeerId {
    const id = this.simulation.drawId()
    this.ids.push(id)
    return this.simulation.addNode({
      id,
      mount: (node) => {
        const applications = new Applications(this.#portsOf(id), node.surroundings)
        const service: Service<ApplicationRequest, ApplicationReply> = {
          answer: (from, request) => this.liars.get(id)?.(request) ?? applications.answer(from, request),
        }
        applications.start(node.serve(applicationsWire, service))
        this.nodes.set(id, applications)
      },
    })
  }

  at(index: number): Applications {
    return this.nodes.get(this.ids[index]!)!
  }

  publish(index: number, fields: Partial<PublicationFields> = {}): Promise<unknown> {
    return this.ask(() => this.at(index).publish(application(fields)))
  }

  /** The publishers that a node finds under a name. */
  async resolve(index: number, name = 'web'): Promise<PeerId[]> {
    const found = await this.ask(() => this.at(index).resolve(name, { timeoutMs: 5_000 }))
    return found.map(({ record }) => record.publisher).toSorted()
  }

  async find(index: number, where: string, count = 1_000): Promise<string[]> {
    const { records } = await this.ask(() => this.at(index).find(where, { count, timeoutMs: 10_000 }))
    return records.map(({ record }) => record.name).toSorted()
  }

  /** Runs an asynchronous question through, however much virtual time it takes, up to two minutes. */
  async ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    let outcome: { answer: Answer } | { error: unknown } | undefined
    this.simulation.act(0, () => {
      question().then(
        (answer) => (outcome = { answer }),
        (error: unknown) => (outcome = { error }),
      )
    })
    await this.simulation.until(() => outcome !== undefined, 120_000)
    if (outcome === undefined) throw new Error('the question is still open')
    if ('error' in outcome) throw outcome.error
    return outcome.answer
  }

  #portsOf(id: PeerId): ApplicationPorts {
    return {
      vo: VO,
      closest: async (key, count) =>
        this.ids
          .filter((peer) => !this.gone.has(peer))
          .toSorted((left, right) => distance(left, key) - distance(right, key))
          .slice(0, count),
      isGone: (peer) => this.gone.has(peer),
      checkMember: ({ signer }) => {
        if (!this.members.has(signer)) throw new RoostError('CREDENTIAL_EXPIRED', `${signer} is no member`)
        return { id: signer }
      },
      onRefused: (peer, reason) => this.refused.push({ by: id, peer, reason }),
    }
  }
}

export function application(fields: Partial<PublicationFields> = {}): PublicationFields {
  return checkPublication({
    name: 'web',
    instance: 'main',
    endpoints: ['tcp://127.0.0.1:80'],
    attributes: {},
    ttlMs: 60_000,
    ...fields,
  })
}

/** Any measure will do here, as long as all use the same. */
function distance(peer: PeerId, key: Uint8Array): number {
  let hash = 0
  for (let index = 0; index < peer.length; index++)
    hash = (Math.imul(hash ^ peer.charCodeAt(index), 0x0100_0193) ^ key[index % 32]!) >>> 0
  return hash
}
