import { randomBytes } from 'node:crypto'
import {
  CLOCK_TOLERANCE_MS,
  NonceMemory,
  POSSESSION_CONTEXT,
  RoostError,
  STATEMENT_CONTEXT,
  TICKET_MS_DEFAULT,
  TICKET_MS_MAX,
  TICKET_SECRET_BYTES,
  formatTicket,
  parseJoinReply,
  parsePresented,
  parseSignedStatement,
  possession,
  renewAtMs,
  statementToSign,
} from '../../overlay/index.ts'
import type { Crypto, JoinReply, JoinRequest, PeerId, Plain, UserRequest } from '../../overlay/index.ts'
import type { Member, SignedStatement, Trust } from '../../overlay/contract/index.ts'
import type { DataDirectory } from '../data/index.ts'
import { createCrypto, loadMemberCertificate, removeMemberCertificate, storeMemberCertificate } from '../keys/index.ts'
import type { Key, User } from '../keys/index.ts'
import { Authority } from './authority.ts'
import type { Certified } from './check.ts'
import { CertificateChecker } from './check.ts'
import { CredentialFiles } from './credential-files.ts'
import type { Credentials } from './credential-files.ts'
import { JoinService } from './join-service.ts'
import { TicketStore } from './ticket-store.ts'

/** What a VO needs of the daemon. */
export interface VoDependencies {
  readonly data: DataDirectory
  readonly nodeKey: Key
  /** The user who runs the daemon, where that is somebody: a service may have none. */
  readonly user?: User
  /** Unix time in milliseconds, and monotonic time; the system's unless a test steps them. */
  readonly wallMs?: () => number
  readonly nowMs?: () => number
}

/** What the gate asks. Everything that crosses it is plain, and its own business. */
export interface Admission {
  /** What this node shows to a peer. */
  present(): Plain
  /**
   * Whether `peer`, whose key the connection has proven, may speak: until when. Fails with `MESSAGE_MALFORMED`, `CREDENTIAL_INVALID`
   * or `CREDENTIAL_EXPIRED`, whatever was presented.
   */
  check(peer: PeerId, presented: unknown): { readonly untilMs: number }
  /** Answers a request over `JOIN_PROTOCOL`, which any peer may make. Fails like `JoinService.answer`, and with `AUTHORITY_UNREACHABLE` where the authority is elsewhere. */
  join(peer: PeerId, request: unknown): Promise<Plain>
}

export interface Invitation {
  readonly ticket: string
  readonly expiresAtMs: number
}

const TICKETS = 'tickets'

/**
 * A virtual organisation, as one of its nodes holds it: whose certificates count, what this node shows for itself, and at the
 * one node with the authority's key the tickets and certificates that it issues.
 */
export class Vo {
  readonly admission: Admission
  readonly trust: Trust
  /** The node that holds the authority, and where it was when we joined. */
  readonly authorityPeer: PeerId
  readonly authorityAddresses: readonly string[]

  readonly #parts: Required<Omit<VoDependencies, 'user'>> & { readonly user: User | undefined }
  readonly #files: CredentialFiles
  readonly #crypto: Crypto
  readonly #checker: CertificateChecker
  readonly #nonces: NonceMemory
  readonly #authority: Authority | undefined
  readonly #tickets: TicketStore
  #nodeCertificate: Uint8Array
  #node: Certified
  #member: Certified | undefined

  /** Made by `createVo`, `loadVo` and `joinWithTicket`. */
  constructor(parts: VoDependencies, state: VoState) {
    const wallMs = parts.wallMs ?? Date.now
    const nowMs = parts.nowMs ?? (() => performance.now())
    this.#parts = { ...parts, wallMs, nowMs, user: parts.user }
    this.#files = new CredentialFiles(parts.data)
    this.#crypto = createCrypto(parts.nodeKey)
    this.#checker = state.checker
    this.#nonces = new NonceMemory(wallMs())
    this.#authority = state.authority
    this.#tickets = new TicketStore(parts.data.store(TICKETS))
    this.#nodeCertificate = state.credentials.node
    this.#node = state.node
    this.#member = state.member
    this.authorityPeer = state.credentials.authorityPeer
    this.authorityAddresses = state.credentials.authorityAddresses
    this.admission = {
      present: () => ({ certificates: [this.#nodeCertificate] }),
      check: (peer, presented) => this.#checkPeer(peer, presented),
      join: this.#joinService(),
    }
    this.trust = {
      vo: this.fingerprint,
      check: (signed, action, { fresh }) => this.#checkStatement(signed, action, fresh),
    }
  }

  get fingerprint(): string {
    return this.#checker.authority.fingerprint
  }

  get name(): string {
    return this.#checker.authority.name
  }

  get isAuthority(): boolean {
    return this.#authority !== undefined
  }

  /** DER. */
  get authorityCertificate(): Uint8Array {
    return this.#checker.authority.certificate
  }

  /** Unix time in milliseconds at which this node's certificate ends. */
  get expiresAtMs(): number {
    return this.#node.untilMs
  }

  /** When `renew` has something to do: the earlier of this node's certificate and the membership of the user who runs it. */
  get renewAtMs(): number {
    return Math.min(renewAtMs(this.#node), this.#member ? renewAtMs(this.#member) : Number.POSITIVE_INFINITY)
  }

  /** The user who runs this node, where that is a member. */
  get member(): Member | undefined {
    return this.#member && { id: this.#member.id, name: this.#member.name }
  }

  /**
   * A new ticket for one machine, which finds the authority at `addresses` (multiaddrs that end in this node's peer id).
   * Fails with `AUTHORITY_UNREACHABLE` where the authority is elsewhere, `USAGE` for a time out of bounds or no addresses, `BUSY`.
   */
  async issueTicket(of: { readonly addresses: readonly string[]; readonly ttlMs?: number }): Promise<Invitation> {
    if (this.#authority === undefined) throw this.#authorityElsewhere('issues tickets')
    const ttlMs = of.ttlMs ?? TICKET_MS_DEFAULT
    if (!(ttlMs >= 1000 && ttlMs <= TICKET_MS_MAX))
      throw new RoostError('USAGE', 'a ticket is good for a second at least and 30 days at most')
    const wallMs = this.#parts.wallMs()
    const expiresAtMs = Math.floor((wallMs + ttlMs) / 1000) * 1000
    const secret = Uint8Array.from(randomBytes(TICKET_SECRET_BYTES))
    const { name, fingerprint } = this
    const ticket = formatTicket({ name, fingerprint, secret, expiresAtMs, addresses: of.addresses })
    await this.#tickets.add(secret, { expiresAtMs, wallMs })
    return { ticket, expiresAtMs }
  }

  /**
   * New certificates, from `renewAtMs` on; before it, false and nothing done. `request` carries one request over `JOIN_PROTOCOL` to a peer;
   * the authority needs nobody. Fails as `request` and the authority do; what one has stays good until it expires.
   */
  async renew(request: (peer: PeerId, request: Plain) => Promise<unknown>): Promise<boolean> {
    if (this.#parts.wallMs() < this.renewAtMs) return false
    const asked = await this.#renewal()
    const reply = parseJoinReply(
      this.#authority === undefined
        ? await request(this.authorityPeer, asked)
        : await this.admission.join(this.#parts.nodeKey.id, asked),
    )
    await this.#take(reply)
    return true
  }

  /**
   * Leaves the VO: certificates of this node and of its user in this VO are removed. The authority's key is put aside under
   * `left/` in the data directory instead. Afterwards this object only says no.
   */
  async leave(): Promise<void> {
    if (this.isAuthority) {
      await this.#files.putAside(`${this.name}-${this.fingerprint.slice(0, 16)}-${this.#parts.wallMs()}`)
      await this.#tickets.clear()
    } else await this.#files.remove()
    if (this.#parts.user !== undefined) await removeMemberCertificate(this.#parts.user, this.fingerprint)
  }

  #checkPeer(peer: PeerId, presented: unknown): { untilMs: number } {
    const { certificates } = parsePresented(presented)
    if (certificates.length !== 1)
      throw new RoostError('CREDENTIAL_INVALID', 'a peer presents one certificate, issued by the authority itself')
    const { untilMs } = this.#checker.check(certificates[0]!, { role: 'node', id: peer, wallMs: this.#parts.wallMs() })
    return { untilMs: untilMs + CLOCK_TOLERANCE_MS }
  }

  #checkStatement(value: SignedStatement, action: string, isFresh: boolean): Member {
    const signed = parseSignedStatement(value)
    const { statement, signer, certificate, signature } = signed
    const wallMs = this.#parts.wallMs()
    const { id, name } = this.#checker.check(certificate, { role: 'member', id: signer, wallMs })
    if (!this.#crypto.verify(signer, STATEMENT_CONTEXT, statementToSign(this.fingerprint, statement), signature))
      throw new RoostError('SIGNATURE_INVALID', `${name} did not sign this request, or not for this grid`)
    if (statement.action !== action)
      throw new RoostError(
        'DENIED',
        `what was signed is ${JSON.stringify(statement.action)}, not ${JSON.stringify(action)}`,
      )
    if (isFresh) this.#nonces.take(signer, statement, wallMs)
    return { id, name }
  }

  #joinService(): Admission['join'] {
    if (this.#authority === undefined)
      return async () => {
        throw this.#authorityElsewhere('takes in new nodes')
      }
    const service = new JoinService({
      authority: this.#authority,
      checker: this.#checker,
      tickets: this.#tickets,
      crypto: this.#crypto,
      wallMs: this.#parts.wallMs,
      nowMs: this.#parts.nowMs,
    })
    return async (peer, request) => ({ ...(await service.answer(peer, request)) })
  }

  async #renewal(): Promise<Extract<JoinRequest, { type: 'renew' }>> {
    const { user, nodeKey } = this.#parts
    const { fingerprint } = this
    const asked = { type: 'renew' as const, fingerprint, certificate: this.#nodeCertificate }
    if (user === undefined || this.#member === undefined) return asked
    const certificate = await loadMemberCertificate(user, fingerprint)
    if (certificate === undefined) return asked
    return {
      ...asked,
      user: { ...provenUser(user, { fingerprint, node: nodeKey.id, name: this.#member.name }), certificate },
    }
  }

  /** Takes new certificates into use, once they are found good and are on the disk. */
  async #take({ node, member }: JoinReply): Promise<void> {
    const wallMs = this.#parts.wallMs()
    const { nodeKey, user } = this.#parts
    const certified = this.#checker.check(node, { role: 'node', id: nodeKey.id, wallMs })
    if (member !== undefined && user !== undefined) {
      const asMember = this.#checker.check(member, { role: 'member', id: user.id, wallMs })
      await storeMemberCertificate(user, this.fingerprint, member)
      this.#member = asMember
    }
    await this.#files.storeNode(node)
    this.#nodeCertificate = node
    this.#node = certified
  }

  #authorityElsewhere(does: string): RoostError {
    return new RoostError(
      'AUTHORITY_UNREACHABLE',
      `only the node with the grid's authority ${does}: ${this.authorityPeer}`,
      {
        data: { authorityPeer: this.authorityPeer },
        hint: 'ask that node',
      },
    )
  }
}

/** What a `Vo` begins with; its makers have checked it. */
export interface VoState {
  readonly credentials: Credentials
  readonly checker: CertificateChecker
  readonly authority: Authority | undefined
  readonly node: Certified
  readonly member: Certified | undefined
}

/** A user with the proof of holding its key, as join requests carry it. */
export function provenUser(
  user: User,
  of: { readonly fingerprint: string; readonly node: PeerId; readonly name: string; readonly ticket?: Uint8Array },
): UserRequest {
  return { id: user.id, name: of.name, proof: user.crypto.sign(POSSESSION_CONTEXT, possession(of)) }
}
