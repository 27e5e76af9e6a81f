import { readAttributes } from '../attributes/index.ts'
import type { Attributes } from '../attributes/index.ts'
import { shape } from '../env/index.ts'
import type { Crypto, PeerId, Plain, Shape, ShapeOf, Surroundings } from '../env/index.ts'
import { RoostError, asRoostError } from '../error/index.ts'
import { CLOCK_TOLERANCE_MS, parseSignedStatement } from '../vo/index.ts'

/**
 * Where an application is to be had: `name -> endpoints, attributes`, as one node says it for a short time and signs it. Whoever
 * publishes a name has a record of its own, so that the records of one name are a set, and nobody replaces what another has
 * said. A record's identity is its name, its owner, its publisher and an instance that the publisher chooses; of two with one
 * identity the higher sequence counts. One without endpoints takes back those before it.
 *
 * Where a member asked for it, the member's own signed words come along, and must say what the record says. They hold for one
 * node, so that another cannot publish with them.
 *
 * A name belongs to its owner, and one name of two owners is two names: the member who signed, else the job whose unit asked for
 * it, else the node. That of a member and of a node nobody else can take; that of a job rests on the word of the node.
 */

export const APPLICATION_RECORD_CONTEXT = 'application-record'
/** The action of a member's statement; its body is `publicationBody`. */
export const PUBLISH_ACTION = 'app.publish'

export const APPLICATION_NAME_CHARS_MAX = 64
export const INSTANCE_CHARS_MAX = 64
/** The instance of whoever needs only one. */
export const INSTANCE_DEFAULT = 'main'
export const ENDPOINTS_COUNT_MAX = 8
export const ENDPOINT_CHARS_MAX = 128
export const APPLICATION_ATTRIBUTE_COUNT_MAX = 32
/** Names and texts of a record's attributes together. With all else, a record stays below 16 KB whatever is in it. */
export const APPLICATION_ATTRIBUTES_CHARS_MAX = 1_024
/**
 * How long a record counts after its publisher's last word. Shorter makes a dead publisher vanish sooner, and costs every
 * publication a round of puts each third of it.
 */
export const APPLICATION_TTL_MS_DEFAULT = 60_000
export const APPLICATION_TTL_MS_MIN = 10_000
export const APPLICATION_TTL_MS_MAX = 24 * 3_600_000

/** What a name looks like, beside its length. */
export const APPLICATION_NAME_PATTERN = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/
const INSTANCE = /^[0-9A-Za-z][0-9A-Za-z_.-]*$/
/** A scheme, a host and a port, and perhaps a path: what `new URL` and a person understand alike. */
const ENDPOINT = /^[a-z][a-z0-9+.-]*:\/\/(\[[0-9a-f:.]+\]|[0-9A-Za-z_.-]+):([1-9][0-9]{0,4})(\/[!-~]*)?$/

const attributesShape: Shape<Attributes> = (value, path) => {
  const attributes = readAttributes(value, path)
  const count = Object.keys(attributes).length
  if (count > APPLICATION_ATTRIBUTE_COUNT_MAX || charsOfAll(attributes) > APPLICATION_ATTRIBUTES_CHARS_MAX)
    throw shape.malformed(
      path,
      `at most ${APPLICATION_ATTRIBUTE_COUNT_MAX} attributes of ${APPLICATION_ATTRIBUTES_CHARS_MAX} characters together`,
    )
  return attributes
}

/** Lower-case letters, digits, `.`, `_` and `-`; letters or digits at both ends. */
export const applicationName: Shape<string> = (value, path) => {
  if (typeof value === 'string' && value.length <= APPLICATION_NAME_CHARS_MAX && APPLICATION_NAME_PATTERN.test(value))
    return value
  throw shape.malformed(path, `a name of at most ${APPLICATION_NAME_CHARS_MAX} of a-z, 0-9, ".", "_" and "-"`)
}

const instanceShape: Shape<string> = (value, path) => {
  if (typeof value === 'string' && value.length <= INSTANCE_CHARS_MAX && INSTANCE.test(value)) return value
  throw shape.malformed(path, `an instance of at most ${INSTANCE_CHARS_MAX} of letters, digits, ".", "_" and "-"`)
}

const endpointShape: Shape<string> = (value, path) => {
  const port = typeof value === 'string' && value.length <= ENDPOINT_CHARS_MAX ? ENDPOINT.exec(value)?.[2] : undefined
  if (port === undefined || Number(port) > 65_535)
    throw shape.malformed(path, `scheme://host:port of at most ${ENDPOINT_CHARS_MAX} characters`)
  return value as string
}

const publication = {
  name: applicationName,
  instance: instanceShape,
  endpoints: shape.list(endpointShape, ENDPOINTS_COUNT_MAX),
  attributes: attributesShape,
  ttlMs: shape.integer(APPLICATION_TTL_MS_MIN, APPLICATION_TTL_MS_MAX),
}

const publicationShape = shape.record(publication)

/** Long enough for the id of a member, of a job and of a node. */
export const OWNER_CHARS_MAX = 64

const recordShape = shape.record({
  ...publication,
  publisher: shape.peerId,
  /** Fingerprint of the VO's authority. */
  vo: shape.text(128),
  sequence: shape.integer(),
  /** Unix time in milliseconds at which it was signed, by the publisher's clock. */
  atMs: shape.integer(),
  /** The job whose unit asked for it, and the id of the member who signed for it. */
  job: shape.optional(shape.text(OWNER_CHARS_MAX)),
  member: shape.optional(shape.peerId),
})

/** What is published; no endpoints: it is taken back. */
export type PublicationFields = ShapeOf<typeof publicationShape>
export type ApplicationRecordFields = ShapeOf<typeof recordShape>
export type MemberStatement = ReturnType<typeof parseSignedStatement>

/** `statement` stands exactly where the record names a member, but for one that takes back: that is the publisher's alone. */
export interface SignedApplicationRecord {
  readonly record: ApplicationRecordFields
  readonly signature: Uint8Array
  readonly statement?: MemberStatement
}

/** The way in for a record from a peer: well formed and within bounds. Whether it is true `checkApplicationRecord` says. */
export const signedApplicationRecord: Shape<SignedApplicationRecord> = shape.record({
  record: recordShape,
  signature: shape.bytes(64),
  statement: shape.optional(parseSignedStatement),
})

/** What somebody wants to publish, before anything is signed. `APPLICATION_INVALID` says what is wrong with it. */
export function checkPublication(value: unknown): PublicationFields {
  try {
    return publicationShape(value, 'application')
  } catch (cause) {
    if (!(cause instanceof RoostError)) throw cause
    throw new RoostError('APPLICATION_INVALID', cause.message, { cause })
  }
}

/** What a member signs under `PUBLISH_ACTION`, for this node to publish. */
export function publicationBody(publisher: PeerId, fields: PublicationFields): Plain {
  const { name, instance, endpoints, attributes, ttlMs } = fields
  return { publisher, name, instance, endpoints, attributes, ttlMs }
}

/** Signs as the publisher, whose `crypto` it is. */
export function signApplicationRecord(
  record: ApplicationRecordFields,
  crypto: Crypto,
  statement?: MemberStatement,
): SignedApplicationRecord {
  const signature = crypto.sign(APPLICATION_RECORD_CONTEXT, plain(record))
  return { record, signature, ...(statement !== undefined && { statement }) }
}

/** What a record is held against. */
export interface RecordJudge {
  readonly surroundings: Pick<Surroundings, 'crypto' | 'wallMs'>
  readonly vo: string
  /** The member who made this statement of `PUBLISH_ACTION`; throws where nobody did. */
  readonly checkMember: (statement: MemberStatement) => { readonly id: PeerId }
}

/**
 * Throws where a record is not to be believed: `DENIED` (another VO's), `RECORD_STALE` (its time is over, or has not begun),
 * `SIGNATURE_INVALID` (not its publisher's word, or not the member's), or what `checkMember` throws.
 */
export function checkApplicationRecord(
  { record, signature, statement }: SignedApplicationRecord,
  judge: RecordJudge,
): void {
  const { crypto, wallMs } = judge.surroundings
  const about = `the record of ${record.name}`
  if (record.vo !== judge.vo) throw new RoostError('DENIED', `${about} is another grid's`)
  if (remainingMs(record, wallMs) <= 0) throw new RoostError('RECORD_STALE', `${about} is past its time`)
  if (record.atMs > wallMs + CLOCK_TOLERANCE_MS) throw new RoostError('RECORD_STALE', `${about} is of a time to come`)
  if (!crypto.verify(record.publisher, APPLICATION_RECORD_CONTEXT, plain(record), signature))
    throw new RoostError('SIGNATURE_INVALID', `${about} was not signed by ${record.publisher}`)
  checkStatement(record, statement, judge)
}

/** What a refused record counts as against who sent it. A member's certificate may have ended on the way: that forges nothing. */
export function refusalOf(thrown: unknown): 'forged' | 'stale' | 'foreign' {
  const { code } = asRoostError(thrown)
  if (code === 'SIGNATURE_INVALID') return 'forged'
  return code === 'DENIED' ? 'foreign' : 'stale'
}

/** How much longer a record counts by this machine's clock, which may differ from the publisher's by what honest clocks do. */
export function remainingMs({ atMs, ttlMs }: ApplicationRecordFields, wallMs: number): number {
  return Math.min(ttlMs, atMs + ttlMs + CLOCK_TOLERANCE_MS - wallMs)
}

export function isTakenBack({ endpoints }: ApplicationRecordFields): boolean {
  return endpoints.length === 0
}

/** Whose name it is: the id of a member, of a job or of a node, which are never alike. */
export function ownerOf({
  member,
  job,
  publisher,
}: Pick<ApplicationRecordFields, 'member' | 'job' | 'publisher'>): string {
  return member ?? job ?? publisher
}

/** What tells records apart: of two with one identity the higher sequence counts. Sorts by name, then by owner. */
export function identityOf(record: ApplicationRecordFields): string {
  return `${identityPrefix(record.name, ownerOf(record))}${record.publisher}\n${record.instance}`
}

/** With this begin the identities of a name, or of one owner's name, and no others. */
export function identityPrefix(name: string, owner?: string): string {
  return owner === undefined ? `${name}\n` : `${name}\n${owner}\n`
}

/** Attributes as a query sees them: the published ones, with `Name`, `Owner`, `Node` (the publisher), `Job` and `Member` over them. */
export function queriedAttributes(record: ApplicationRecordFields): Attributes {
  const { attributes, name, publisher, job, member } = record
  const known = { ...(job !== undefined && { job }), ...(member !== undefined && { member }) }
  const own = { name, owner: ownerOf(record), node: publisher, ...known }
  const free = Object.entries(attributes).filter(([key]) => !RESERVED.has(key.toLowerCase()))
  return { ...Object.fromEntries(free), ...own }
}

/** Names that say who published: nobody publishes others under them. */
const RESERVED: ReadonlySet<string> = new Set(['name', 'owner', 'node', 'job', 'member'])

function checkStatement(
  record: ApplicationRecordFields,
  statement: MemberStatement | undefined,
  { surroundings: { crypto }, checkMember }: RecordJudge,
): void {
  if (statement === undefined && (record.member === undefined || isTakenBack(record))) return
  const invalid = (why: string): RoostError =>
    new RoostError('SIGNATURE_INVALID', `the record of ${record.name} ${why}`)
  if (statement === undefined || statement.signer !== record.member) throw invalid('lacks the words of its member')
  const body = publicationBody(record.publisher, record)
  if (!sameBytes(crypto.hash(body), crypto.hash(statement.statement.body)))
    throw invalid('is not what its member signed')
  if (checkMember(statement).id !== record.member) throw invalid('is not of the member that it names')
}

/** At least as many bytes as the record has when it is sent. */
export function recordBytesMax({ record, statement }: SignedApplicationRecord): number {
  const { name, instance, endpoints, attributes } = record
  const ascii = [name, instance, ...endpoints].reduce((sum, text) => sum + text.length, 0)
  const said = ascii + UTF8_BYTES_MAX * charsOfAll(attributes) + BYTES_PER_ATTRIBUTE * Object.keys(attributes).length
  return FIXED_BYTES + said + (statement === undefined ? 0 : FIXED_BYTES + said + statement.certificate.length)
}

/** Of a UTF-16 unit. */
const UTF8_BYTES_MAX = 3
/** Heads of its name, its value and some texts in it, and a number. */
const BYTES_PER_ATTRIBUTE = 32
/** Names of fields, ids, a fingerprint, numbers, a signature. */
const FIXED_BYTES = 640

function plain(record: ApplicationRecordFields): Plain {
  return { ...record }
}

function charsOfAll(attributes: Attributes): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + charsOf(value), 0)
}

/** Each text of a list counts a little, so that an empty one is not for nothing. */
function charsOf(value: Attributes[string]): number {
  if (typeof value === 'string') return value.length
  return typeof value === 'object' ? value.reduce((sum, entry) => sum + entry.length + 1, 0) : 8
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
