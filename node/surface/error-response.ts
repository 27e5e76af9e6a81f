import { HTTPException } from 'hono/http-exception'
import type { Log } from '../../overlay/contract/index.ts'
import { asRoostError, RoostError } from '../../overlay/index.ts'
import { httpStatus } from './http-status.ts'

/** Every failed request is answered with `RoostError.toJSON()` and a fitting status. Mistakes of ours are logged with their stack. */
export function errorResponse(thrown: unknown, log: Log): Response {
  const error = asRoostError(refusalOf(thrown) ?? thrown)
  if (error.code === 'INTERNAL') log.error({ error: thrown }, 'request failed')
  return Response.json({ error: error.toJSON() }, { status: httpStatus(error.code) })
}

/** What the library refuses before a route is reached, JSON that is none or a wrong content type, is the sender's mistake. */
function refusalOf(thrown: unknown): RoostError | undefined {
  if (!(thrown instanceof HTTPException) || thrown.status >= 500) return undefined
  return new RoostError('USAGE', `the request cannot be understood: ${thrown.message}`, {
    cause: thrown,
    hint: 'GET /openapi.json says what each route takes',
  })
}

export function routeNotFound(method: string, path: string): RoostError {
  return new RoostError('ROUTE_NOT_FOUND', `there is no ${method} ${path}`)
}
