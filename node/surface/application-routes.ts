import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type {
  Application,
  ApplicationDirectory,
  Caller,
  RouteBindings,
  SignedStatement,
} from '../../overlay/contract/index.ts'
import { ANY_OWNER, parseSignedStatement, RoostError } from '../../overlay/index.ts'
import { decode } from '../codec/index.ts'
import {
  applicationNameSchema,
  applicationSchema,
  ownerSchema,
  findApplicationsReplySchema,
  findApplicationsRequestSchema,
  publishRequestSchema,
  resolveReplySchema,
  tunnelLineSchema,
  tunnelRequestSchema,
  type ApplicationReport,
} from './application-schemas.ts'
import { json, localOnly, refuseInvalid } from './core-routes.ts'
import { JSON_LINES } from './find-lines.ts'
import { tunnelLines, type OpenTunnel } from './tunnel-lines.ts'

const STATEMENT_BYTES_MAX = 65_536

/** What the daemon does for the routes of applications. Failures are `RoostError`s. */
export interface ApplicationSurface {
  /** The directory as this caller may use it. */
  directoryFor(caller: Caller): ApplicationDirectory
  readonly openTunnel: OpenTunnel
}

const nameParameter = z.object({ name: applicationNameSchema })

const routes = {
  publish: createRoute({
    method: 'post',
    path: '/applications',
    summary: 'Publishes an application from this node, or replaces one',
    description:
      'It stays published while this node lives, until it is removed; what a job publishes, until its unit ends.',
    request: { body: { required: true, content: { 'application/json': { schema: publishRequestSchema } } } },
    responses: json(applicationSchema, 'Published'),
  }),
  resolve: createRoute({
    method: 'get',
    path: '/applications/{name}',
    summary: 'All that living nodes publish under a name, in random order',
    description: `Anybody may publish any name: \`owner\` says whose is meant, \`${ANY_OWNER}\` all. Without it a job asks for its own, and everybody else for all.`,
    request: { params: nameParameter, query: z.object({ owner: ownerSchema.optional() }) },
    responses: json(resolveReplySchema, 'One or more'),
  }),
  find: createRoute({
    method: 'post',
    path: '/applications/find',
    summary: 'Applications for which an expression is true',
    description: 'A ClassAd expression over their attributes, and `Name`, `Owner`, `Node`, `Job` and `Member`.',
    request: { body: { required: true, content: { 'application/json': { schema: findApplicationsRequestSchema } } } },
    responses: json(findApplicationsReplySchema, 'In random order'),
  }),
  remove: createRoute({
    method: 'delete',
    path: '/applications/{name}',
    summary: 'Takes back what this node publishes under a name',
    request: { params: nameParameter, query: z.object({ instance: z.string().min(1).max(64).optional() }) },
    responses: json(z.object({ removed: z.literal(true) }), 'Taken back'),
  }),
  tunnel: createRoute({
    method: 'post',
    path: '/applications/{name}/tunnel',
    summary: 'Opens a port of this machine that leads to an application',
    description: 'Lines of JSON: the port, then each connection. It closes when the reader goes away.',
    request: {
      params: nameParameter,
      body: { required: true, content: { 'application/json': { schema: tunnelRequestSchema } } },
    },
    responses: {
      200: { description: 'The port, then news', content: { [JSON_LINES]: { schema: tunnelLineSchema } } },
    },
  }),
}

/** Publishing, finding and reaching applications. */
export function applicationRoutes(applications: ApplicationSurface) {
  return new OpenAPIHono<RouteBindings>({ defaultHook: refuseInvalid })
    .openapi(routes.publish, async (context) => {
      const { caller } = context.env
      localOnly(caller)
      const { statement, instance, ...fields } = context.req.valid('json')
      const published = await applications.directoryFor(caller).publish({
        ...fields,
        ...(instance !== undefined && { instance }),
        ...(statement !== undefined && { statement: statementOf(statement) }),
      })
      return context.json(report(published), 200)
    })
    .openapi(routes.find, async (context) => {
      const { where, count, timeoutMs } = context.req.valid('json')
      const { signal } = context.req.raw
      const directory = applications.directoryFor(context.env.caller)
      const found = await directory.find(where, { count, timeoutMs, signal })
      return context.json({ applications: found.applications.map(report), isComplete: found.isComplete }, 200)
    })
    .openapi(routes.resolve, async (context) => {
      const { name } = context.req.valid('param')
      const { caller } = context.env
      const { owner = caller.job?.id ?? ANY_OWNER } = context.req.valid('query')
      const found = await applications.directoryFor(caller).resolve(name, owner === ANY_OWNER ? {} : { owner })
      if (found.length === 0)
        throw new RoostError('APPLICATION_NOT_FOUND', `nobody who is alive publishes ${name}`, {
          ...(owner !== ANY_OWNER && { data: { owner } }),
        })
      return context.json({ applications: found.map(report) }, 200)
    })
    .openapi(routes.remove, async (context) => {
      const { caller } = context.env
      localOnly(caller)
      const { instance } = context.req.valid('query')
      const options = instance === undefined ? {} : { instance }
      await applications.directoryFor(caller).remove(context.req.valid('param').name, options)
      return context.json({ removed: true as const }, 200)
    })
    .openapi(routes.tunnel, async (context) => {
      localOnly(context.env.caller)
      const { name } = context.req.valid('param')
      const { port, owner } = context.req.valid('json')
      const { signal } = context.req.raw
      const whose = owner === undefined ? {} : { owner }
      const lines = await tunnelLines(applications.openTunnel, name, { port, ...whose, signal })
      return context.body(lines, 200, { 'content-type': JSON_LINES }) as never
    })
}

function statementOf(text: string): SignedStatement {
  return parseSignedStatement(decode(Buffer.from(text, 'base64'), { bytesMax: STATEMENT_BYTES_MAX }))
}

/** The surface's schemas know no read-only lists. */
function report(application: Application): ApplicationReport {
  return {
    ...application,
    endpoints: [...application.endpoints],
    attributes: { ...application.attributes },
  } as ApplicationReport
}
