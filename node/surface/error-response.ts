import type { Log } from '../../overlay/contract/index.ts'
import { asRoostError, RoostError } from '../../overlay/index.ts'
import { httpStatus } from './http-status.ts'

/** Every failed request is answered with `RoostError.toJSON()` and a fitting status. Mistakes of ours are logged with their stack. */
export function errorResponse(thrown: unknown, log: Log): Response {
  const error = asRoostError(thrown)
  if (error.code === 'INTERNAL') log.error({ error: thrown }, 'request failed')
  return Response.json({ error: error.toJSON() }, { status: httpStatus(error.code) })
}

export function routeNotFound(method: string, path: string): RoostError {
  return new RoostError('ROUTE_NOT_FOUND', `there is no ${method} ${path}`)
}
