import { RoostError, isMemberName, isVoName, parseJoinReply, parseTicket, ticketPeer } from '../../overlay/index.ts'
import type { JoinReply, JoinRequest, Plain, Ticket } from '../../overlay/index.ts'
import type { DataDirectory } from '../data/index.ts'
import { loadMemberCertificate, sha256, storeMemberCertificate } from '../keys/index.ts'
import type { User } from '../keys/index.ts'
import { Authority, foundAuthority } from './authority.ts'
import { CertificateChecker, readAuthority } from './check.ts'
import type { Certified } from './check.ts'
import { CredentialFiles } from './credential-files.ts'
import { friendlyVoName, systemUserName } from './names.ts'
import { Vo, provenUser } from './vo.ts'
import type { VoDependencies } from './vo.ts'

/** Three ways to a `Vo`: make one, be in one already, join one. */

export interface CreateVoOptions {
  /** Of the VO; a friendly one is made up where none is given. */
  readonly name?: string | undefined
  /** Of the first member; what the system calls the user where none is given. */
  readonly userName?: string | undefined
}

export interface JoinOptions {
  readonly ticket: string
  /** What the new member is to be called; what the system calls the user where none is given. */
  readonly userName?: string | undefined
  /** Carries one request over `JOIN_PROTOCOL` to the node at these multiaddrs, proving our node key and checking its peer id. */
  readonly request: (addresses: readonly string[], request: Plain) => Promise<unknown>
}

/**
 * Makes a VO: an authority whose key lies in this data directory, this node as its first, the user as its first member.
 * Fails with `USAGE` for a bad name, `ALREADY_JOINED`, and as disks and key files do.
 */
export async function createVo(parts: VoDependencies, options: CreateVoOptions = {}): Promise<Vo> {
  const name = options.name ?? friendlyVoName()
  if (!isVoName(name))
    throw new RoostError('USAGE', `a grid cannot be called ${JSON.stringify(name)}`, {
      hint: 'letters, digits, `.`, `_` and `-`, at most 40',
    })
  const userName = checkedUserName(options.userName)
  const files = new CredentialFiles(parts.data)
  if ((await files.load()) !== undefined) throw alreadyJoined('this machine is in a grid already')
  const wallMs = wallOf(parts)
  const authority = await foundAuthority(await files.createAuthorityKey(), { name, wallMs })
  const { publicKey, id } = parts.nodeKey
  const { fingerprint, certificate } = authority.certificate
  if (parts.user !== undefined) await makeMember(authority, parts.user, { name: userName, wallMs })
  await files.store({
    authority: certificate,
    node: await authority.issue({ role: 'node', publicKey }, { wallMs }),
    authorityPeer: id,
    authorityAddresses: [],
  })
  return found(await loadVo(parts), fingerprint)
}

/**
 * The VO that this node is in; undefined where it is in none. A certificate that has expired is no failure here, but peers
 * will refuse it (`expiresAtMs`); the authority's node mends its own. Fails with `CREDENTIAL_INVALID` where files are damaged or
 * belong to another node key, and as disks and key files do.
 */
export async function loadVo(parts: VoDependencies): Promise<Vo | undefined> {
  const files = new CredentialFiles(parts.data)
  let credentials = await files.load()
  if (credentials === undefined) return undefined
  const wallMs = wallOf(parts)
  const checker = new CertificateChecker(readAuthority(credentials.authority, wallMs))
  const authority = await loadAuthority(files, checker)
  const role = 'node'
  let node = checker.checkHolder(credentials.node, { role, id: parts.nodeKey.id })
  if (authority !== undefined && node.untilMs < wallMs) {
    const renewed = await authority.issue({ role, publicKey: parts.nodeKey.publicKey }, { wallMs })
    await files.storeNode(renewed)
    credentials = { ...credentials, node: renewed }
    node = checker.check(renewed, { role, id: parts.nodeKey.id, wallMs })
  }
  const member = parts.user && (await loadMember(checker, authority, parts.user, wallMs))
  return new Vo(parts, { credentials, checker, authority, node, member })
}

/**
 * Joins the VO that the ticket is for. The ticket's form and expiry and our own state are looked at before anything is sent:
 * `TICKET_MALFORMED`, `TICKET_EXPIRED`, `ALREADY_JOINED`. Then the authority's node is asked, and may refuse (`TICKET_USED`, `TICKET_UNKNOWN`...). Nothing
 * is stored unless who answered shows the authority that the ticket names (`FINGERPRINT_MISMATCH`) and certifies our own keys
 * (`CREDENTIAL_INVALID`). Safe to repeat with the same keys.
 */
export async function joinWithTicket(parts: VoDependencies, options: JoinOptions): Promise<Vo> {
  const wallMs = wallOf(parts)
  const ticket = parseTicket(options.ticket)
  if (wallMs >= ticket.expiresAtMs)
    throw new RoostError('TICKET_EXPIRED', `this ticket expired at ${new Date(ticket.expiresAtMs).toISOString()}`)
  const files = new CredentialFiles(parts.data)
  await refuseWhereJoined(files, parts, ticket)
  const request = redemption(parts, ticket, checkedUserName(options.userName))
  const reply = parseJoinReply(await options.request(ticket.addresses, request))
  const checker = checkReply(reply, ticket, parts)
  const { fingerprint } = checker.authority
  if (parts.user !== undefined && reply.member !== undefined)
    await storeMemberCertificate(parts.user, fingerprint, reply.member)
  await files.store({
    authority: reply.authority,
    node: reply.node,
    authorityPeer: ticketPeer(ticket),
    authorityAddresses: ticket.addresses,
  })
  return found(await loadVo(parts), fingerprint)
}

/**
 * Puts whatever credentials a data directory has aside, under `left/` in it, without reading them: for those that `loadVo`
 * cannot make sense of. `Vo.leave` is the orderly way.
 */
export async function abandonVo(data: DataDirectory, wallMs: number = Date.now()): Promise<void> {
  await new CredentialFiles(data).putAside(`abandoned-${wallMs}`)
}

/** Whose certificate has expired may join again, the same grid or another. */
async function refuseWhereJoined(files: CredentialFiles, parts: VoDependencies, ticket: Ticket): Promise<void> {
  const credentials = await files.load()
  if (credentials === undefined) return
  const checker = new CertificateChecker(readAuthority(credentials.authority, wallOf(parts)))
  const node = checker.checkHolder(credentials.node, { role: 'node', id: parts.nodeKey.id })
  if (node.untilMs < wallOf(parts) && (await loadAuthority(files, checker)) === undefined) return
  const { name, fingerprint } = checker.authority
  throw fingerprint === ticket.fingerprint
    ? alreadyJoined(`this machine is in the grid ${name} of this ticket already`)
    : alreadyJoined(`this machine is in the grid ${name}, and the ticket is for the grid ${ticket.name}`)
}

function redemption(parts: VoDependencies, { fingerprint, secret }: Ticket, name: string): JoinRequest {
  const request = { type: 'redeem' as const, fingerprint, secret }
  if (parts.user === undefined) return request
  return {
    ...request,
    user: provenUser(parts.user, { fingerprint, node: parts.nodeKey.id, name, ticket: sha256(secret) }),
  }
}

function checkReply(reply: JoinReply, ticket: Ticket, parts: VoDependencies): CertificateChecker {
  const wallMs = wallOf(parts)
  const authority = readAuthority(reply.authority, wallMs)
  if (authority.fingerprint !== ticket.fingerprint)
    throw new RoostError('FINGERPRINT_MISMATCH', 'who answered is not the authority that the ticket names', {
      data: { ticket: ticket.fingerprint, answered: authority.fingerprint },
    })
  const checker = new CertificateChecker(authority)
  checker.check(reply.node, { role: 'node', id: parts.nodeKey.id, wallMs })
  if (parts.user === undefined) return checker
  if (reply.member === undefined) throw new RoostError('CREDENTIAL_INVALID', 'the authority did not certify the user')
  checker.check(reply.member, { role: 'member', id: parts.user.id, wallMs })
  return checker
}

async function loadAuthority(files: CredentialFiles, checker: CertificateChecker): Promise<Authority | undefined> {
  const key = await files.authorityKey()
  if (key === undefined) return undefined
  // A key that was left behind by a creation that never finished, before the node joined another grid.
  return key.id === checker.authority.id ? new Authority(key, checker.authority) : undefined
}

/** The user's membership. At the authority whoever may start the daemon is a member: they hold the key that makes members. */
async function loadMember(
  checker: CertificateChecker,
  authority: Authority | undefined,
  user: User,
  wallMs: number,
): Promise<Certified | undefined> {
  const certificate = await loadMemberCertificate(user, checker.authority.fingerprint)
  const member = certificate && asMember(checker, certificate, user)
  if (authority === undefined || (member !== undefined && member.untilMs >= wallMs)) return member
  await makeMember(authority, user, { name: member?.name ?? systemUserName(), wallMs })
  return asMember(checker, (await loadMemberCertificate(user, checker.authority.fingerprint))!, user)
}

/** A damaged certificate of the user's does not keep the daemon from starting: the user is then no member. */
function asMember(checker: CertificateChecker, certificate: Uint8Array, user: User): Certified | undefined {
  try {
    return checker.checkHolder(certificate, { role: 'member', id: user.id })
  } catch {
    return undefined
  }
}

async function makeMember(authority: Authority, user: User, of: { name: string; wallMs: number }): Promise<void> {
  const { name, wallMs } = of
  const certificate = await authority.issue({ role: 'member', publicKey: user.key.publicKey, name }, { wallMs })
  await storeMemberCertificate(user, authority.certificate.fingerprint, certificate)
}

function checkedUserName(asked: string | undefined): string {
  const name = asked ?? systemUserName()
  if (!isMemberName(name)) throw new RoostError('USAGE', `a member cannot be called ${JSON.stringify(name)}`)
  return name
}

function alreadyJoined(message: string): RoostError {
  return new RoostError('ALREADY_JOINED', message)
}

function found(vo: Vo | undefined, fingerprint: string): Vo {
  if (vo?.fingerprint !== fingerprint) throw new RoostError('INTERNAL', 'stored credentials are gone')
  return vo
}

function wallOf(parts: VoDependencies): number {
  return (parts.wallMs ?? Date.now)()
}
