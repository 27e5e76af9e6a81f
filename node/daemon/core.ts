import { checkAttributes, errorFromRecord, EXIT, parseSignedStatement, RoostError } from '../../overlay/index.ts'
import type { Candidate, NodeInfo } from '../../overlay/contract/index.ts'
import { steadyClock } from '../clock/index.ts'
import { decode } from '../codec/index.ts'
import type {
  Core,
  DoctorReply,
  FindReply,
  FindRequest,
  FoundNode,
  Invite,
  LabelsRequest,
  NetCheck,
  NodeReport,
  Status,
} from '../surface/index.ts'
import { checkHealth, type Checked } from './health.ts'
import { describeReach } from './net-check.ts'
import type { SelfDescription } from './self-description.ts'

/** The longest signed statement that asks for an invitation. */
const INVITE_BYTES_MAX = 65_536

/** How long the authority's node may take to answer for an invitation. */
const INVITE_MS_MAX = 10_000

/** How long a node may take to say what it measures now. */
const LIVE_MS_MAX = 2_000

export interface CoreDependencies extends Checked {
  readonly self: SelfDescription
  /** Ends the daemon; `leave` also leaves the grid. */
  readonly stop: (how: 'shutdown' | 'leave') => void
  readonly about: {
    readonly version: string
    readonly dataDir: string
    readonly startedAtMs: number
    readonly api: () => string
  }
}

/** What the core routes ask of the daemon. */
export class DaemonCore implements Core {
  readonly #parts: CoreDependencies

  constructor(parts: CoreDependencies) {
    this.#parts = parts
  }

  status(): Status {
    const { discovery, network, vo, plugins, about } = this.#parts
    const nodes = { alive: 0, suspect: 0, dead: 0, left: 0 }
    for (const { state } of discovery.list()) nodes[state]++
    return {
      id: network.self,
      name: discovery.own().name,
      version: about.version,
      pid: process.pid,
      startedAtMs: about.startedAtMs,
      wallMs: Date.now(),
      dataDir: about.dataDir,
      addresses: [...network.addresses()],
      reach: describeReach(network.reach(), this.#parts).state,
      api: about.api(),
      grid: {
        name: vo.name,
        fingerprint: vo.fingerprint,
        isAuthority: vo.isAuthority,
        certificateNotAfterMs: vo.expiresAtMs,
      },
      nodes,
      plugins: plugins.states().map(({ error, ...state }) => ({ ...state, ...(error && { error: error.message }) })),
    }
  }

  /** This node, then the others by name. */
  nodes(): readonly NodeReport[] {
    const [own, ...others] = this.#parts.discovery.list()
    const byName = others.toSorted(
      (one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }) || (one.id < other.id ? -1 : 1),
    )
    return [own!, ...byName].map((node) => report(node))
  }

  async node(idOrName: string): Promise<NodeReport> {
    const node = this.#resolve(idOrName)
    const { candidates } = await this.#parts.discovery.find(
      { where: 'true', count: 1 },
      { timeoutMs: LIVE_MS_MAX, among: new Set([node.id]) },
    )
    return report(node, candidates[0]?.attributes)
  }

  async find(request: FindRequest, signal: AbortSignal, onNode?: (node: FoundNode) => void): Promise<FindReply> {
    const { where, rank, count, timeoutMs } = request
    const { candidates, explanation } = await this.#parts.discovery.find(
      { where, count, ...(rank !== undefined && { rank }) },
      { timeoutMs, signal, ...(onNode && { onCandidate: (candidate) => onNode(found(candidate)) }) },
    )
    const { ruledOutCount, unfitCount, silentCount, boxes, grouping, elapsedMs } = explanation
    return {
      nodes: candidates.map(found),
      rejected: { static: ruledOutCount, dynamic: unfitCount, silent: silentCount },
      explanation: { ...explanation, boxes: [...boxes], grouping: [...grouping], elapsedMs: Math.round(elapsedMs) },
    }
  }

  async invite(signed: Uint8Array): Promise<Invite> {
    const { vo } = this.#parts
    if (!vo.isAuthority) return this.#inviteElsewhere(signed)
    const statement = parseSignedStatement(decode(signed, { bytesMax: INVITE_BYTES_MAX }))
    vo.trust.check(statement, 'vo.invite', { fresh: true })
    const { ttlMs } = (statement.statement.body ?? {}) as { ttlMs?: unknown }
    return vo.issueTicket({
      addresses: this.#addressesForStrangers(),
      ...(typeof ttlMs === 'number' && { ttlMs }),
    })
  }

  async label({ set, remove }: LabelsRequest): Promise<NodeReport> {
    const { discovery, self } = this.#parts
    const changes = { set, removed: remove }
    // Refused before anything is kept, where it is out of bounds.
    checkAttributes(self.preview(changes))
    await self.change(changes)
    discovery.update({ attributes: self.attributes() })
    return report(discovery.get(this.#parts.network.self)!)
  }

  doctor(): Promise<DoctorReply> {
    return checkHealth(this.#parts)
  }

  async netCheck(): Promise<NetCheck> {
    return describeReach(await this.#parts.network.checkReach(), this.#parts)
  }

  shutdown(): void {
    this.#parts.stop('shutdown')
  }

  leave(): void {
    this.#parts.stop('leave')
  }

  /** Those over relays come first where there are any: this node cannot be dialed then, but for those who share its network. */
  #addressesForStrangers(): readonly string[] {
    const addresses = this.#parts.network.addresses()
    if (addresses.length > 0) return addresses
    throw new RoostError(
      'ADDRESS_UNAVAILABLE',
      'nobody can join here: this node, which has the authority, has no address',
      {
        hint: '`roost net check` says what to do',
      },
    )
  }

  async #inviteElsewhere(signed: Uint8Array): Promise<Invite> {
    const { vo, network } = this.#parts
    try {
      const response = await network.peerFetch(vo.authorityPeer)('http://authority/invites', {
        method: 'POST',
        body: signed.slice(),
        signal: AbortSignal.timeout(INVITE_MS_MAX),
      })
      const body = (await response.json()) as Invite | { error: unknown }
      if ('error' in body) throw errorFromRecord(body.error)
      return body
    } catch (cause) {
      if (cause instanceof RoostError && cause.exitCode !== EXIT.unreachable) throw cause
      throw new RoostError(
        'AUTHORITY_UNREACHABLE',
        `the node with the grid's authority does not answer: ${vo.authorityPeer}`,
        {
          cause,
        },
      )
    }
  }

  /** A name counts before a prefix; of several with one name none is meant. */
  #resolve(idOrName: string): NodeInfo {
    const nodes = this.#parts.discovery.list()
    const named = nodes.filter(({ name, id }) => name === idOrName || id === idOrName)
    const matching =
      named.length > 0 ? named : nodes.filter(({ id }) => id.startsWith(idOrName) || id.endsWith(idOrName))
    if (matching.length > 1)
      throw new RoostError('ID_AMBIGUOUS', `${matching.length} nodes are called or begin with ${idOrName}`, {
        data: { ids: matching.map(({ id }) => id) },
      })
    if (matching[0] === undefined)
      throw new RoostError('NODE_NOT_FOUND', `no node is called ${idOrName}, and no id begins or ends with it`)
    return matching[0]
  }
}

function report(node: NodeInfo, live?: NodeInfo['attributes']): NodeReport {
  const { id, name, state, sinceMs, sequence, addresses, attributes } = node
  return {
    id,
    name,
    state,
    sinceMs: Math.max(0, Math.round(steadyClock.nowMs - sinceMs)),
    sequence,
    addresses: [...addresses],
    attributes: mutable(live ?? attributes),
  }
}

function found({ id, name, rank, attributes }: Candidate): FoundNode {
  return { id, name, rank, attributes: mutable(attributes) }
}

/** The surface's schemas know no read-only lists. */
function mutable(attributes: NodeInfo['attributes']): NodeReport['attributes'] {
  return { ...attributes } as NodeReport['attributes']
}
