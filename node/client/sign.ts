import type { Fetch, SignedStatement } from '../../overlay/contract/index.ts'
import type { Plain } from '../../overlay/index.ts'
import type { Status } from '../surface/index.ts'

/** Signs with the user's key, for the grid of the daemon behind `fetch`. `NOT_MEMBER` where the user is no member of it. */
export async function signAsUser(
  userDir: string,
  fetch: Fetch,
  statement: { readonly action: string; readonly body: Plain },
): Promise<SignedStatement> {
  // Asked first: where no daemon runs, no key is made either.
  const { grid } = (await (await fetch('/status', { signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) })).json()) as Status
  // Most commands sign nothing, and do without keys and their encoding.
  const { openUser, signStatement } = await import('../keys/index.ts')
  return signStatement(await openUser(userDir), grid.fingerprint, statement)
}

/** A signal of its own: after ctrl-c a command may still have a cancellation to sign. */
const STATUS_TIMEOUT_MS = 10_000
