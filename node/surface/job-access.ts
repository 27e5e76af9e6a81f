import type { Caller } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'

/**
 * What a job may ask of the daemon by the socket of its unit: these routes and no others, whatever else the daemon or a plugin offers.
 * What each of them lets a job do with what is not its own, the route itself decides by the caller.
 */
const JOB_ROUTES: readonly { readonly method: string; readonly path: RegExp }[] = [
  { method: 'POST', path: /^\/applications$/ },
  { method: 'POST', path: /^\/applications\/find$/ },
  { method: 'GET', path: /^\/applications\/[^/]+$/ },
  { method: 'DELETE', path: /^\/applications\/[^/]+$/ },
]

/** Throws `DENIED` where a job asks for more than it may. Everybody else passes. */
export function demandJobAccess({ method, url }: Request, caller: Caller): void {
  if (caller.via !== 'job') return
  const { pathname } = new URL(url)
  if (JOB_ROUTES.some((route) => route.method === method && route.path.test(pathname))) return
  throw new RoostError('DENIED', `a job may not ask for ${method} ${pathname}`, {
    hint: 'docs/applications.md says what a job may ask for',
  })
}
