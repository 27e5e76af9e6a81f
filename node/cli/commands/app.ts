import type { Fetch } from '../../../overlay/contract/index.ts'
import {
  APPLICATION_NAME_PATTERN,
  APPLICATION_TTL_MS_DEFAULT,
  INSTANCE_DEFAULT,
  PUBLISH_ACTION,
  RoostError,
  functionNames,
  publicationBody,
  type AttributeValue,
  type Plain,
} from '../../../overlay/index.ts'
import { parseLabel } from '../../config/index.ts'
import type {
  ApplicationReport,
  FindApplicationsReply,
  FindApplicationsRequest,
  PublishRequest,
  Status,
} from '../../surface/index.ts'
import type { Flags } from '../action.ts'
import { checkExpression } from '../expression.ts'
import { parseCount, parseDurationMs } from '../quantity.ts'
import { send } from '../request.ts'
import type { Session } from '../session.ts'
import { shortIds } from '../short-id.ts'
import { ownerHere } from './app-owner.ts'

const COUNT_MAX = 10_000

/** `roost app publish NAME --port P --endpoint E --attribute k=v --ttl T`: signed by the user where that is a member. */
export async function publishApplication(session: Session, [name]: readonly string[], flags: Flags): Promise<void> {
  const ports = listOf(flags['port']).map((text) => parseCount(text, '--port', { min: 1, max: 65_535 }))
  const endpoints = [...ports.map((port) => `tcp://127.0.0.1:${port}`), ...listOf(flags['endpoint']).map(endpointOf)]
  if (endpoints.length === 0)
    throw new RoostError('USAGE', 'an application has an endpoint', {
      hint: 'say --port 8080, or --endpoint http://host:80',
    })
  const attributes: Record<string, AttributeValue> = {}
  for (const label of listOf(flags['attribute'])) {
    const { name: key, value } = parseLabel(label)
    attributes[key] = value
  }
  const ttlMs = flags['ttl'] === undefined ? APPLICATION_TTL_MS_DEFAULT : parseDurationMs(String(flags['ttl']), '--ttl')
  const request = { name: name!, endpoints, attributes, ttlMs } as PublishRequest
  const signed = insideJob(session) ? {} : await signedAs(session, request)
  const published = await send<ApplicationReport>(await ways(session), 'POST', '/applications', {
    ...request,
    ...signed,
  })
  session.output.document(published)
  session.output.progress(`${name} is published, until you remove it: \`roost app rm ${name}\``)
}

/** `roost app find EXPR` */
export async function findApplications(
  session: Session,
  [where = 'true']: readonly string[],
  flags: Flags,
): Promise<void> {
  checkExpression(where, { functions: functionNames() })
  const request: FindApplicationsRequest = {
    where,
    count: parseCount(String(flags['count']), '--count', { min: 1, max: COUNT_MAX }),
    timeoutMs: Math.min(parseDurationMs(String(flags['timeout']), '--timeout'), 60_000),
  }
  const reply = await send<FindApplicationsReply>(await ways(session), 'POST', '/applications/find', request)
  session.output.document(reply)
  const sorted = reply.applications.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const own = session.output.json || insideJob(session) !== undefined ? undefined : await ownerHere(session)
  session.output.table(rowsOf(sorted, own), ['name', 'owner', 'node', 'instance', 'endpoints', 'attributes'])
  if (sorted.length === 0) session.output.progress(nothingFound(where))
  if (!reply.isComplete) session.output.progress('there may be more: raise --count or --timeout')
}

/** A name alone is an expression too, of an attribute that hardly any application has. */
function nothingFound(where: string): string {
  const isName = where !== 'true' && APPLICATION_NAME_PATTERN.test(where)
  const hint = isName ? `; by name it is \`roost app find 'Name == "${where}"'\`` : ''
  return `nothing that is published is such an application${hint}`
}

/** `roost app rm NAME` */
export async function removeApplication(session: Session, [name]: readonly string[]): Promise<void> {
  const { fetch } = await ways(session)
  const response = await fetch(`/applications/${encodeURIComponent(name!)}`, { method: 'DELETE' })
  session.output.document(await response.json())
  session.output.progress(`${name} is not published here any more`)
}

/** `--name value` may stand several times; commander gathers them. */
function listOf(flag: Flags[string] | readonly string[]): readonly string[] {
  if (flag === undefined || flag === true) return []
  return typeof flag === 'string' ? [flag] : flag
}

/** `host:port` is tcp; what has a scheme stays as it is. */
function endpointOf(text: string): string {
  return text.includes('://') ? text : `tcp://${text}`
}

/** A member's own words for it; who is none publishes in the name of the node alone. */
async function signedAs(session: Session, request: PublishRequest): Promise<{ readonly statement?: string }> {
  const { id } = (await (await session.fetch('/status')).json()) as Status
  const { name, endpoints, attributes, ttlMs } = request
  const body = publicationBody(id, { name, instance: INSTANCE_DEFAULT, endpoints, attributes, ttlMs })
  try {
    const { encode } = await import('../../codec/index.ts')
    const signed = await session.sign(PUBLISH_ACTION, body)
    return { statement: Buffer.from(encode(signed as unknown as Plain)).toString('base64') }
  } catch (thrown) {
    if (thrown instanceof RoostError && thrown.code === 'NOT_MEMBER') return {}
    throw thrown
  }
}

function insideJob({ host }: Session): string | undefined {
  return host.env['ROOST_SOCKET'] || undefined
}

/** In a job, its own way to the daemon, by which it is known; else the user's. */
async function ways(session: Session): Promise<{ readonly fetch: Fetch }> {
  const path = insideJob(session)
  if (path === undefined) return session
  const { socketFetch } = await import('../../client/index.ts')
  return {
    fetch: socketFetch(path, { signal: session.signal, unreachableHint: 'the daemon of this node is down: try again' }),
  }
}

/** `own`: whose applications are shown as `me`. */
function rowsOf(applications: readonly ApplicationReport[], own: string | undefined): Record<string, string>[] {
  const short = shortIds(applications.flatMap(({ owner, publisher }) => [owner, publisher]))
  return applications.map(({ name, owner, publisher, instance, endpoints, attributes }) => ({
    name,
    owner: owner === own ? 'me' : short.get(owner)!,
    node: short.get(publisher)!,
    instance,
    endpoints: endpoints.join(' '),
    attributes: Object.entries(attributes)
      .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(',') : String(value)}`)
      .join(' '),
  }))
}
