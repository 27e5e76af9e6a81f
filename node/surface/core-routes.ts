import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Caller, RouteBindings } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'
import {
  doctorReplySchema,
  errorSchema,
  findLineSchema,
  findReplySchema,
  findRequestSchema,
  inviteReplySchema,
  labelsRequestSchema,
  netCheckSchema,
  nodeSchema,
  statusSchema,
  type DoctorReply,
  type FindReply,
  type FindRequest,
  type FoundNode,
  type Invite,
  type LabelsRequest,
  type NetCheck,
  type NodeReport,
  type Status,
} from './core-schemas.ts'
import { findLines, JSON_LINES } from './find-lines.ts'

/** What the daemon does for the core routes. Failures are `RoostError`s. */
export interface Core {
  status(): Status
  nodes(): readonly NodeReport[]
  /** By id, unique prefix of one, or name; with live attributes where the node answers. */
  node(id: string): Promise<NodeReport>
  /** `onNode` is told of each node of the reply: the moment it has answered, or best first at the end where there is a rank. */
  find(request: FindRequest, signal: AbortSignal, onNode?: (node: FoundNode) => void): Promise<FindReply>
  /** `signed`: the encoded statement `vo.invite` of a member. Goes on to the authority's node where this is not it. */
  invite(signed: Uint8Array): Promise<Invite>
  label(request: LabelsRequest): Promise<NodeReport>
  doctor(): Promise<DoctorReply>
  /** Asks peers whether they reach this node. */
  netCheck(): Promise<NetCheck>
  /** Ends the daemon once the answer is out. */
  shutdown(): void
  /** The same, and forgets the grid: credentials and what was known of others. */
  leave(): void
}

/**
 * A JSON answer, and in the description the error that may come instead. The typed client is told of the answer alone: its
 * `fetch` throws what went wrong.
 */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => {
  const responses = {
    200: { description, content: { 'application/json': { schema } } },
    default: { description: 'What went wrong', content: { 'application/json': { schema: errorSchema } } },
  } as const
  return responses as Pick<typeof responses, 200>
}

const findReply = json(findReplySchema, 'Best rank first')
/** The typed client is told of the one document: lines are read with `find` of the client. */
const findResponses = {
  ...findReply,
  200: { ...findReply[200], content: { ...findReply[200].content, [JSON_LINES]: { schema: findLineSchema } } },
} as typeof findReply

const routes = {
  status: createRoute({
    method: 'get',
    path: '/status',
    summary: 'This node and its grid in brief',
    responses: json(statusSchema, 'Status'),
  }),
  nodes: createRoute({
    method: 'get',
    path: '/nodes',
    summary: 'Every node that this one knows',
    responses: json(z.object({ nodes: z.array(nodeSchema) }), 'Nodes'),
  }),
  node: createRoute({
    method: 'get',
    path: '/nodes/{id}',
    summary: 'One node, with what it measures now',
    request: { params: z.object({ id: z.string().min(1).max(256) }) },
    responses: json(nodeSchema, 'The node'),
  }),
  find: createRoute({
    method: 'post',
    path: '/find',
    summary: 'Live nodes for which an expression is true',
    description:
      'With `Accept: application/x-ndjson` each node comes as a line the moment it has answered, and the rest as the last line. Going away ends the search.',
    request: { body: { required: true, content: { 'application/json': { schema: findRequestSchema } } } },
    responses: findResponses,
  }),
  invite: createRoute({
    method: 'post',
    path: '/invites',
    summary: 'A ticket, for a member',
    description: 'The body is a SignedStatement with the action `vo.invite` and the body `{ ttlMs }`, as CBOR.',
    responses: json(inviteReplySchema, 'The ticket'),
  }),
  label: createRoute({
    method: 'put',
    path: '/labels',
    summary: 'Sets and removes attributes of this node',
    request: { body: { required: true, content: { 'application/json': { schema: labelsRequestSchema } } } },
    responses: json(nodeSchema, 'The node as it is now'),
  }),
  doctor: createRoute({
    method: 'get',
    path: '/doctor',
    summary: 'What is wrong here, and what to do',
    responses: json(doctorReplySchema, 'Checks'),
  }),
  netCheck: createRoute({
    method: 'post',
    path: '/net/check',
    summary: 'How others reach this node, after asking some of them',
    responses: json(netCheckSchema, 'Reach'),
  }),
  shutdown: createRoute({
    method: 'post',
    path: '/shutdown',
    summary: 'Ends this daemon',
    responses: json(z.object({ stopping: z.literal(true) }), 'It ends'),
  }),
  leave: createRoute({
    method: 'post',
    path: '/leave',
    summary: 'Leaves the grid and ends this daemon',
    responses: json(z.object({ leaving: z.literal(true) }), 'It leaves'),
  }),
}

/** The routes that every node has, plugins or none. */
export function coreRoutes(core: Core) {
  return new OpenAPIHono<RouteBindings>({ defaultHook: refuseInvalid })
    .openapi(routes.status, (context) => context.json(core.status(), 200))
    .openapi(routes.nodes, (context) => context.json({ nodes: [...core.nodes()] }, 200))
    .openapi(routes.node, async (context) => context.json(await core.node(context.req.valid('param').id), 200))
    .openapi(routes.find, async (context) => {
      const request = context.req.valid('json')
      const { signal } = context.req.raw
      if (!context.req.header('accept')?.includes(JSON_LINES))
        return context.json(await core.find(request, signal), 200)
      return context.body(await findLines(core, request, signal), 200, { 'content-type': JSON_LINES }) as never
    })
    .openapi(routes.invite, async (context) =>
      context.json(await core.invite(new Uint8Array(await context.req.arrayBuffer())), 200),
    )
    .openapi(routes.label, async (context) => {
      localOnly(context.env.caller)
      return context.json(await core.label(context.req.valid('json')), 200)
    })
    .openapi(routes.doctor, async (context) => {
      localOnly(context.env.caller)
      return context.json(await core.doctor(), 200)
    })
    .openapi(routes.netCheck, async (context) => {
      localOnly(context.env.caller)
      return context.json(await core.netCheck(), 200)
    })
    .openapi(routes.shutdown, (context) => {
      localOnly(context.env.caller)
      core.shutdown()
      return context.json({ stopping: true as const }, 200)
    })
    .openapi(routes.leave, (context) => {
      localOnly(context.env.caller)
      core.leave()
      return context.json({ leaving: true as const }, 200)
    })
}

/** What changes this machine is asked for on this machine. */
export function localOnly(caller: Caller): void {
  if (caller.via === 'peer')
    throw new RoostError('DENIED', 'other nodes may not ask this of a node', {
      hint: 'run the command on that machine',
    })
}

/** A body, path or query that does not fit its schema becomes `USAGE`, naming the field. */
export function refuseInvalid(result: { success: true } | { success: false; error: z.ZodError; target: string }): void {
  if (result.success) return
  const [issue] = result.error.issues
  const where = [result.target, ...(issue?.path ?? []).map(String)].join('.')
  throw new RoostError('USAGE', `${where}: ${issue?.message ?? 'not valid'}`, {
    hint: 'GET /openapi.json says what each route takes',
  })
}
