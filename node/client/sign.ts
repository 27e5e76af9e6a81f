import type { Fetch, SignedStatement } from '../../overlay/contract/index.ts'
import type { Plain } from '../../overlay/index.ts'
import type { Status } from '../surface/index.ts'

/** Signs with the user's key, for the grid of the daemon behind `fetch`. `NOT_MEMBER` where the user is no member of it. */
export async function signAsUser(
  userDir: string,
  fetch: Fetch,
  statement: { readonly action: string; readonly body: Plain },
): Promise<SignedStatement> {
  // Most commands sign nothing, and do without keys and their encoding.
  const { openUser, signStatement } = await import('../keys/index.ts')
  const [user, status] = await Promise.all([openUser(userDir), fetch('/status').then((response) => response.json())])
  return signStatement(user, (status as Status).grid.fingerprint, statement)
}
