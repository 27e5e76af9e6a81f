import type { Fetch } from '../../overlay/contract/index.ts'
import type { Plain } from '../../overlay/index.ts'
import type { Invite } from '../surface/index.ts'
import { signAsUser } from './sign.ts'

/** A ticket that lets one machine join the grid of the daemon behind `fetch`, asked for in the user's name. */
export async function requestInvite(
  userDir: string,
  fetch: Fetch,
  { ttlMs }: { readonly ttlMs: number },
): Promise<Invite> {
  const { encode } = await import('../codec/index.ts')
  const signed = await signAsUser(userDir, fetch, { action: 'vo.invite', body: { ttlMs } })
  const response = await fetch('/invites', {
    method: 'POST',
    headers: { 'content-type': 'application/cbor' },
    body: encode(signed as unknown as Plain) as Uint8Array<ArrayBuffer>,
  })
  return (await response.json()) as Invite
}
