import { createHash, randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { plugin } from '../../../aem/index.ts'
import { encode } from '../../../node/codec/index.ts'
import { httpStatus } from '../../../node/surface/http-status.ts'
import type {
  Caller,
  CommandContext,
  Events,
  Explanation,
  Fetch,
  Host,
  Member,
  NodeInfo,
  RunningPlugin,
  SignedStatement,
} from '../../../overlay/contract/index.ts'
import {
  asRoostError,
  errorFromRecord,
  RoostError,
  seededRng,
  type CallEnv,
  type CallWire,
  type PeerId,
  type Plain,
  type Service,
  type Surroundings,
} from '../../../overlay/index.ts'
import { quiet, temporaryDirectory } from '../execution/fixture.ts'

/**
 * Nodes in one process: real stores, launchers, routes and processes; only the network between them is a function call, and
 * trust takes every signer at its word (but each statement once).
 */
export class Grid {
  readonly #members = new Map<PeerId, MemberNode>()
  readonly #listeners = new Map<string, Set<(from: PeerId, event: unknown) => void>>()
  readonly #watchers = new Set<(node: NodeInfo) => void>()
  readonly #records = new Map<string, Awaited<ReturnType<Host['directory']['findJob']>>>()
  readonly #users = new Map<string, Set<PeerId>>()
  /** While false, pub/sub loses everything. */
  hasPubSub = true

  async add(number: number, dataDir = temporaryDirectory()): Promise<MemberNode> {
    const node = new MemberNode(peerIdOf(number), dataDir)
    this.#members.set(node.id, node)
    await node.start(this.#hostOf(node))
    this.#announce(node)
    onTestFinished(() => node.stop())
    return node
  }

  /** What anybody may have put into the directory about a job. */
  plantRecord(jobId: string, controller: PeerId): void {
    const epoch = 99
    this.#records.set(jobId, { jobId, controllers: [controller], epoch, sequence: 1, owner: 'x', vo: 'test' })
  }

  /** As a crash looks to the others. */
  async remove(node: MemberNode): Promise<void> {
    node.isAlive = false
    await node.stop()
    this.#announce(node)
  }

  #announce(node: MemberNode): void {
    for (const watcher of this.#watchers) watcher(infoOf(node))
  }

  #member(id: PeerId): MemberNode {
    const member = this.#members.get(id)
    if (!member?.isAlive) throw new RoostError('PEER_UNREACHABLE', `${id} is not there`)
    return member
  }

  #hostOf(node: MemberNode): Host {
    const surroundings = surroundingsOf(node.id)
    const living = (): MemberNode[] => [...this.#members.values()].filter((member) => member.isAlive)
    return {
      self: node.id,
      dataDir: node.dataDir,
      config: { cores: 4, memoryBytes: 2 ** 30, copies: 1 },
      log: quiet,
      surroundings,
      nodes: {
        list: () => [...this.#members.values()].map(infoOf),
        get: (id) => (this.#members.has(id) ? infoOf(this.#members.get(id)!) : undefined),
        find: async (query, options) => ({
          candidates: living()
            .filter((member) => !query.where.includes('false') && !options.except?.has(member.id))
            .slice(0, query.count)
            .map((member) => ({ id: member.id, name: nameOf(member), attributes: member.attributes, rank: 0 })),
          rejections: [],
          explanation: EXPLANATION,
        }),
        watch: (listener) => {
          this.#watchers.add(listener)
          return () => this.#watchers.delete(listener)
        },
        offer: () => () => {},
      },
      directory: {
        publishJob: async (record) => void this.#records.set(record.jobId, { ...record, sequence: 1, vo: 'test' }),
        findJob: async (jobId) => {
          const record = this.#records.get(jobId)
          if (!record) throw new RoostError('RECORD_NOT_FOUND', 'none')
          return record
        },
        announceUser: async (user) => void this.#users.set(user, (this.#users.get(user) ?? new Set()).add(node.id)),
        findControllers: async (user) => [...(this.#users.get(user) ?? [])],
        applications: {} as Host['directory']['applications'],
      },
      groups: { register: async () => {}, list: () => [] } as unknown as Host['groups'],
      serveJob: async () => ({ end: async () => {} }),
      events: this.#eventsOf(node),
      trust: trustfulness(),
      mount: () => {
        throw new Error('nothing is mounted')
      },
      serve: <Request, Reply>(wire: CallWire<Request, Reply>, service: Service<Request, Reply>) => {
        node.service = service as Service<unknown, unknown>
        return this.#callEnv(node, surroundings, wire)
      },
      peerFetch: (peer) => async (input, init) =>
        this.#member(peer).surface(new Request(input, init), { via: 'peer', peer: node.id }),
      service: () => {
        throw new Error('no services')
      },
      metrics: { counter: () => ({ add() {} }), gauge() {} },
    }
  }

  #callEnv<Request, Reply>(
    node: MemberNode,
    surroundings: Surroundings,
    wire: CallWire<Request, Reply>,
  ): CallEnv<Request, Reply> {
    return Object.assign(Object.create(surroundings) as Surroundings, {
      call: async (to: PeerId, request: Request): Promise<Reply> =>
        wire.parseReply(
          structuredClone(await this.#member(to).service!.answer(node.id, wire.parseRequest(structuredClone(request)))),
        ),
      sleep: (delayMs: number): Promise<void> =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, delayMs / HASTE)
          node.stopping.addEventListener('abort', () => {
            clearTimeout(timer)
            reject(new RoostError('CANCELLED', 'stopped'))
          })
        }),
    })
  }

  #eventsOf(node: MemberNode): Events {
    return {
      publish: async (key, event) => {
        if (this.hasPubSub)
          for (const listener of this.#listeners.get(key) ?? []) listener(node.id, structuredClone(event))
      },
      subscribe: (key, _options, listener) => {
        const listeners = this.#listeners.get(key) ?? new Set()
        this.#listeners.set(key, listeners.add(listener))
        return () => listeners.delete(listener)
      },
    }
  }
}

export class MemberNode {
  readonly id: PeerId
  readonly dataDir: string
  isAlive = true
  /** What it says of itself. */
  attributes: NodeInfo['attributes'] = {}
  service: Service<unknown, unknown> | undefined
  #running: RunningPlugin | undefined
  readonly #stop = new AbortController()

  constructor(id: PeerId, dataDir: string) {
    this.id = id
    this.dataDir = dataDir
  }

  get stopping(): AbortSignal {
    return this.#stop.signal
  }

  async start(host: Host): Promise<void> {
    this.#running = await plugin.start(host)
    this.#running.routes!.app.onError((thrown) => {
      const error = asRoostError(thrown)
      return Response.json({ error: error.toJSON() }, { status: httpStatus(error.code) })
    })
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    await this.#running?.stop()
  }

  describe(): ReturnType<NonNullable<RunningPlugin['routes']>['describe']> {
    return this.#running!.routes!.describe()
  }

  /** As the daemon's surface hands a request on: without the plugin's name. */
  async surface(request: Request, caller: Caller): Promise<Response> {
    const url = new URL(request.url)
    url.pathname = url.pathname.replace(/^\/aem/, '')
    return this.#running!.routes!.app.fetch(new Request(url, request), { caller })
  }

  /** As the command line has it: over the socket, and a failed status is thrown. */
  readonly fetch: Fetch = async (input, init) => {
    const request = new Request(input, init)
    if (new URL(request.url).pathname === '/status') return Response.json({ id: this.id })
    const response = await this.surface(request, { via: 'socket' })
    if (response.ok) return response
    throw errorFromRecord(((await response.json()) as { error: unknown }).error)
  }
}

export interface Terminal {
  readonly context: CommandContext
  readonly documents: unknown[]
  readonly records: unknown[]
  readonly lines: string[]
  readonly rows: Readonly<Record<string, string | number>>[]
  readonly progress: string[]
  stdout(): string
  stderr(): string
  interrupt(): void
}

/** A user at a node. */
export function terminalAt(node: Pick<MemberNode, 'fetch'>, user = USER): Terminal {
  const written = { stdout: '', stderr: '' }
  const interrupt = new AbortController()
  const terminal = { documents: [], records: [], lines: [], rows: [], progress: [] } as Pick<
    Terminal,
    'documents' | 'records' | 'lines' | 'rows' | 'progress'
  >
  const last = new Map<string, string>()
  const context: CommandContext = {
    fetch: node.fetch,
    sign: async (action, body) => signed(user, action, body),
    output: {
      json: false,
      document: (value) => void terminal.documents.push(value),
      record: (value) => void terminal.records.push(value),
      line: (text) => void terminal.lines.push(text),
      table: (rows) => void terminal.rows.push(...rows),
      write: (stream, bytes) => void (written[stream] += new TextDecoder().decode(bytes)),
      progress: (text) => void terminal.progress.push(text),
    },
    last: { get: (kind) => last.get(kind), set: (kind, id) => void last.set(kind, id) },
    signal: interrupt.signal,
    exit: (status) => {
      throw new Exit(status)
    },
  }
  return {
    context,
    ...terminal,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    interrupt: () => interrupt.abort(),
  }
}

export class Exit extends Error {
  readonly status: number

  constructor(status: number) {
    super(`exit ${status}`)
    this.status = status
  }
}

/** The status that a command ends with. */
export async function statusOf(command: Promise<void>): Promise<number> {
  try {
    await command
    return 0
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.status
    throw thrown
  }
}

/** Protocols wait this much less than they think. */
const HASTE = 10

export const peerIdOf = (number: number): PeerId => `12D3KooW${'Node'.repeat(10)}${'ABCDEFGH'[number]!.repeat(4)}`
export const USER = `12D3KooW${'User'.repeat(11)}`
export const STRANGER = `12D3KooW${'Quux'.repeat(11)}`

function signed(signer: string, action: string, body: Plain): SignedStatement {
  return {
    statement: { action, body, atMs: Date.now(), nonce: randomBytes(16) },
    signer,
    certificate: new Uint8Array(8),
    signature: new Uint8Array(64),
  }
}

function trustfulness(): Host['trust'] {
  const seen = new Set<string>()
  return {
    vo: '0'.repeat(64),
    check(statement, action, { fresh }): Member {
      if (statement.statement.action !== action) throw new RoostError('DENIED', 'signed for something else')
      const nonce = Buffer.from(statement.statement.nonce).toString('hex')
      if (fresh && seen.has(nonce)) throw new RoostError('SIGNATURE_INVALID', 'this statement was used before')
      if (fresh) seen.add(nonce)
      return { id: statement.signer, name: 'somebody' }
    },
  }
}

/** What no job asks for. */
const EXPLANATION: Explanation = {
  boxes: [],
  grouping: [],
  cellCount: 1,
  contactCount: 0,
  roundTripCount: 0,
  heldCount: 0,
  failedCount: 0,
  consideredCount: 0,
  ruledOutCount: 0,
  askedCount: 0,
  confirmedCount: 0,
  unfitCount: 0,
  silentCount: 0,
  elapsedMs: 0,
  complete: true,
  reason: 'nobody-left',
}

function surroundingsOf(self: PeerId): Surroundings {
  return {
    self,
    get nowMs() {
      return performance.now()
    },
    get wallMs() {
      return Date.now()
    },
    rng: seededRng(1),
    crypto: {
      hash: (value) => new Uint8Array(createHash('sha256').update(encode(value)).digest()),
      sign: () => new Uint8Array(64),
      verify: () => true,
    },
  }
}

function nameOf(node: MemberNode): string {
  return `node-${node.id.slice(-1)}`
}

function infoOf(node: MemberNode): NodeInfo {
  return {
    id: node.id,
    name: nameOf(node),
    state: node.isAlive ? 'alive' : 'dead',
    sinceMs: 0,
    attributes: node.attributes,
    addresses: [],
    sequence: 1,
  }
}
