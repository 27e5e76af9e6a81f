import { ANY_OWNER, PUBLISH_ACTION, RoostError, severalOwners } from '../../../overlay/index.ts'
import type { ApplicationReport, Status } from '../../surface/index.ts'
import type { Session } from '../session.ts'

/** A name and whose it is: what a person writes as `NAME` or `OWNER/NAME`. */
export interface OwnedName {
  readonly name: string
  /** The id of a member, of a job or of a node; or `ANY_OWNER`. */
  readonly owner: string
}

/**
 * Whose name is meant. A bare one is the user's own; where the user publishes none, that of the only one who does, and never of one
 * among several. An owner is an id, any beginning of it that no other owner of the name has, `me`, `@last` for the last job, or
 * `any`. Fails with `APPLICATION_NOT_FOUND` or `ID_AMBIGUOUS`.
 */
export async function ownedName(session: Session, text: string): Promise<OwnedName> {
  const slash = text.indexOf('/')
  const name = text.slice(slash + 1)
  const said = slash === -1 ? undefined : text.slice(0, slash)
  if (said === ANY_OWNER) return { name, owner: said }
  if (said === '@last') return { name, owner: lastJob(session) }
  const owners = await ownersOf(session, name)
  const own = said === undefined || said === 'me' ? await ownerHere(session) : undefined
  if (own !== undefined && (said === 'me' || owners.includes(own))) return { name, owner: own }
  const matching = owners.filter((id) => id.startsWith(said ?? ''))
  if (matching.length > 1) throw severalOwners(name, matching)
  if (matching[0] === undefined) throw nobody(text)
  return { name, owner: matching[0] }
}

/** In whose name this user publishes on this node: as a member, or where that is none as the node. */
export async function ownerHere(session: Session): Promise<string> {
  try {
    // Nothing is sent: the signature is thrown away.
    return (await session.sign(PUBLISH_ACTION, {})).signer
  } catch (thrown) {
    if (!(thrown instanceof RoostError) || thrown.code !== 'NOT_MEMBER') throw thrown
    return ((await (await session.fetch('/status')).json()) as Status).id
  }
}

function lastJob(session: Session): string {
  const job = session.last.get('job')
  if (job === undefined)
    throw new RoostError('JOB_NOT_FOUND', 'no job was submitted from here yet, so there is no @last')
  return job
}

async function ownersOf(session: Session, name: string): Promise<string[]> {
  try {
    const response = await session.fetch(`/applications/${encodeURIComponent(name)}`)
    const { applications } = (await response.json()) as { applications: ApplicationReport[] }
    return [...new Set(applications.map(({ owner }) => owner))]
  } catch (thrown) {
    if (thrown instanceof RoostError && thrown.code === 'APPLICATION_NOT_FOUND') return []
    throw thrown
  }
}

function nobody(what: string): RoostError {
  return new RoostError('APPLICATION_NOT_FOUND', `nobody who is alive publishes ${what}`)
}
