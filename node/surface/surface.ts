import { z, type OpenAPIHono } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Caller, Log, RouteBindings, RunningPlugin } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'
import { applicationRoutes, type ApplicationSurface } from './application-routes.ts'
import { coreRoutes, type Core } from './core-routes.ts'
import { errorResponse, routeNotFound } from './error-response.ts'
import { demandJobAccess } from './job-access.ts'

/** The longest body of a request. What is longer (files) has streams of its own. */
export const REQUEST_BYTES_MAX = 8 * 1024 * 1024

/** The plugins as the surface sees them; which run may change while it serves. */
export interface PluginRoutes {
  running(name: string): RunningPlugin | undefined
  failure(name: string): RoostError | undefined
  all(): readonly { readonly name: string; readonly running: RunningPlugin }[]
}

export interface SurfaceDependencies {
  readonly core: Core
  readonly applications: ApplicationSurface
  readonly plugins: PluginRoutes
  readonly metrics: { render(): Promise<{ contentType: string; text: string }> }
  readonly version: string
  readonly log: Log
}

/** One set of routes for all three ways in: the answer to a request, given who sent it. Never rejects. */
export type Surface = (request: Request, caller: Caller) => Promise<Response>

/** Core routes at the root, each plugin's under its name, with one description and one way to fail. */
export function createSurface({ core, applications, plugins, metrics, version, log }: SurfaceDependencies): Surface {
  const described = withOwnRoutes(ownRoutes(core, applications))
  const app = new Hono<RouteBindings>()
  app.onError((error) => errorResponse(error, log))
  app.notFound((context) => errorResponse(routeNotFound(context.req.method, context.req.path), log))
  app.use(
    bodyLimit({
      maxSize: REQUEST_BYTES_MAX,
      onError: () =>
        errorResponse(new RoostError('MESSAGE_TOO_LARGE', `a request holds at most ${REQUEST_BYTES_MAX} bytes`), log),
    }),
  )
  app.get('/openapi.json', (context) => context.json(describe(described, plugins, version)))
  app.get('/metrics', async () => {
    const { contentType, text } = await metrics.render()
    return new Response(text, { headers: { 'content-type': contentType } })
  })
  app.route('/', described)
  app.all('/:plugin/*', (context) =>
    toPlugin(context.req.raw, context.req.param('plugin'), context.env.caller, { plugins, log }),
  )
  return async (request, caller) => {
    try {
      demandJobAccess(request, caller)
      return await app.fetch(request, { caller })
    } catch (error) {
      return errorResponse(error, log)
    }
  }
}

/** Everything that is not a plugin's. */
function ownRoutes(core: Core, applications: ApplicationSurface) {
  return coreRoutes(core).route('/', applicationRoutes(applications))
}

export type CoreRoutes = ReturnType<typeof ownRoutes>

/** Plugins come and go, so that their routes are looked up at each request; their failures are answered as everybody's. */
async function toPlugin(
  request: Request,
  name: string,
  caller: Caller,
  { plugins, log }: Pick<SurfaceDependencies, 'plugins' | 'log'>,
): Promise<Response> {
  const failure = plugins.failure(name)
  if (failure)
    return errorResponse(
      new RoostError('PLUGIN_FAILED', `the plugin ${name} does not run: ${failure.message}`, { cause: failure }),
      log,
    )
  const app = plugins.running(name)?.routes?.app
  const url = new URL(request.url)
  if (!app) return errorResponse(routeNotFound(request.method, url.pathname), log)
  // A plugin's own app would answer failures in words of its own.
  app.onError((error) => errorResponse(error, log))
  app.notFound((context) => errorResponse(routeNotFound(context.req.method, `/${name}${context.req.path}`), log))
  url.pathname = url.pathname.slice(name.length + 1)
  return app.fetch(new Request(url, request), { caller })
}

/** Routes that know how to describe themselves, whichever they are. */
type Described = Pick<OpenAPIHono<RouteBindings>, 'openAPIRegistry' | 'getOpenAPI31Document'>

/** The two routes of the surface itself stand in its description too. */
function withOwnRoutes<Routes extends Described>(core: Routes): Routes {
  const { openAPIRegistry } = core
  openAPIRegistry.registerPath({
    method: 'get',
    path: '/openapi.json',
    summary: 'This description',
    responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: z.looseObject({}) } } } },
  })
  openAPIRegistry.registerPath({
    method: 'get',
    path: '/metrics',
    summary: 'What this node counts and measures',
    responses: {
      200: { description: 'Prometheus text, format 0.0.4', content: { 'text/plain': { schema: z.string() } } },
    },
  })
  return core
}

/** OpenAPI 3.1, made from the code of the core and of the plugins that run now. */
function describe(core: Described, plugins: PluginRoutes, version: string): unknown {
  const document = core.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'roost', version, description: 'One node of a roost grid.' },
  })
  const paths: Record<string, unknown> = { ...document.paths }
  const schemas: Record<string, unknown> = { ...document.components?.schemas }
  for (const { name, running } of plugins.all()) {
    const described = running.routes?.describe()
    if (!described) continue
    for (const [path, item] of Object.entries(described.paths)) paths[`/${name}${path}`] = item
    Object.assign(schemas, described.schemas)
  }
  return { ...document, paths, components: { ...document.components, schemas } }
}
