import { POSSESSION_CONTEXT, RoostError, isMemberName, parseJoinRequest, possession } from '../../overlay/index.ts'
import type { Crypto, JoinReply, JoinRequest, PeerId, UserRequest } from '../../overlay/index.ts'
import { publicKeyOf, sha256 } from '../keys/index.ts'
import { AttemptLimit } from './attempt-limit.ts'
import type { Authority } from './authority.ts'
import type { CertificateChecker } from './check.ts'
import type { TicketStore } from './ticket-store.ts'

export interface JoinServiceDependencies {
  readonly authority: Authority
  readonly checker: CertificateChecker
  readonly tickets: TicketStore
  readonly crypto: Pick<Crypto, 'verify'>
  readonly wallMs: () => number
  readonly nowMs: () => number
}

/** The authority's side of `/roost/join/1`: certificates for a ticket's secret, or for older certificates. Any peer may ask. */
export class JoinService {
  readonly #parts: JoinServiceDependencies
  readonly #limit = new AttemptLimit()

  constructor(parts: JoinServiceDependencies) {
    this.#parts = parts
  }

  /**
   * Answers one request of a peer, whose key the connection has proven. Fails with `MESSAGE_MALFORMED`, `BUSY`, `SIGNATURE_INVALID`
   * (the user's proof), `USAGE` (the user's name), those of `TicketStore.redeem`, and for renewals those of `CertificateChecker.check`.
   */
  async answer(peer: PeerId, value: unknown): Promise<JoinReply> {
    this.#limit.take(peer, this.#parts.nowMs())
    const request = parseJoinRequest(value)
    const { fingerprint, name } = this.#parts.authority.certificate
    if (request.fingerprint !== fingerprint)
      throw request.type === 'redeem'
        ? new RoostError('TICKET_UNKNOWN', `this ticket is of another grid; here is ${name}`)
        : new RoostError('CREDENTIAL_INVALID', `this certificate is of another grid; here is ${name}`)
    return request.type === 'redeem' ? await this.#redeem(peer, request) : await this.#renew(peer, request)
  }

  async #redeem(peer: PeerId, { secret, user }: Extract<JoinRequest, { type: 'redeem' }>): Promise<JoinReply> {
    if (user !== undefined) {
      if (!isMemberName(user.name))
        throw new RoostError('USAGE', `a member cannot be called ${JSON.stringify(user.name)}`)
      this.#checkPossession(peer, user, sha256(secret))
    }
    await this.#parts.tickets.redeem(secret, { node: peer, user: user?.id }, { wallMs: this.#parts.wallMs() })
    return await this.#issue(peer, user)
  }

  /** Who holds what is still good gets what is good for longer, under the name that it has. */
  async #renew(peer: PeerId, { certificate, user }: Extract<JoinRequest, { type: 'renew' }>): Promise<JoinReply> {
    const wallMs = this.#parts.wallMs()
    this.#parts.checker.check(certificate, { role: 'node', id: peer, wallMs })
    if (user === undefined) return await this.#issue(peer, undefined)
    if (user.certificate === undefined)
      throw new RoostError('CREDENTIAL_INVALID', 'a membership is renewed by showing its certificate')
    const member = this.#parts.checker.check(user.certificate, { role: 'member', id: user.id, wallMs })
    this.#checkPossession(peer, user, undefined)
    return await this.#issue(peer, { id: user.id, name: member.name })
  }

  #checkPossession(peer: PeerId, user: UserRequest, ticket: Uint8Array | undefined): void {
    const { fingerprint } = this.#parts.authority.certificate
    const stated = possession({ fingerprint, node: peer, name: user.name, ...(ticket && { ticket }) })
    if (!this.#parts.crypto.verify(user.id, POSSESSION_CONTEXT, stated, user.proof))
      throw new RoostError('SIGNATURE_INVALID', 'the request does not prove that it holds the key of its user')
  }

  async #issue(peer: PeerId, user: { readonly id: PeerId; readonly name: string } | undefined): Promise<JoinReply> {
    const { authority } = this.#parts
    const wallMs = this.#parts.wallMs()
    const node = await authority.issue({ role: 'node', publicKey: keyOf(peer) }, { wallMs })
    const reply = { authority: authority.certificate.certificate, node }
    if (user === undefined) return reply
    const { id, name } = user
    return { ...reply, member: await authority.issue({ role: 'member', publicKey: keyOf(id), name }, { wallMs }) }
  }
}

function keyOf(id: PeerId): Uint8Array {
  const publicKey = publicKeyOf(id)
  if (publicKey === undefined) throw new RoostError('CREDENTIAL_INVALID', `${id} is not the id of an ed25519 key`)
  return publicKey
}
