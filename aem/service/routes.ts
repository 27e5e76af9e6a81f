import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { RoostError } from '../../overlay/index.ts'
import type { RouteBindings, Routes } from '../../overlay/contract/index.ts'
import { isJobId, parseUnitId } from '../protocol/index.ts'
import type { Asking, Jobs } from './jobs.ts'
import {
  errorSchema,
  eventsQuerySchema,
  filesSchema,
  jobListQuerySchema,
  jobListSchema,
  jobParamsSchema,
  jobSchema,
  outputQuerySchema,
  readingHeadersSchema,
  roomSchema,
  unitParamsSchema,
  whyBodySchema,
  whySchema,
} from './schemas.ts'
import { STATEMENT_HEADER } from './statement-header.ts'
import type { WhyNot } from './why.ts'

const failure = {
  default: { description: 'What went wrong', content: { 'application/json': { schema: errorSchema } } },
}

/** The typed client is told of the answer alone: its `fetch` throws what went wrong. */
const answered = <Answer extends object>(answer: Answer): { readonly 200: Answer } => ({ 200: answer, ...failure })

const json = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  answered({ description, content: { 'application/json': { schema } } } as const)

/** Bytes as they come; how each route fails it says before the first one, and afterwards by breaking off. */
const bytes = (type: string, description: string) =>
  answered({ description, content: { [type]: { schema: z.string().openapi({ format: 'binary' }) } } })

const nameParameter = {
  name: z.string().min(1).max(4_096).openapi({ description: 'A relative path, percent-encoded.' }),
}
const unitIdParameter = {
  unitId: z.string().min(1).max(64).openapi({ description: 'Of a unit that ran on this node.' }),
}

const routes = {
  submit: createRoute({
    method: 'post',
    path: '/jobs',
    summary: 'Submits a job',
    description:
      'A form: `statement`, a SignedStatement `job.submit` with the body `{ controller, description, inputs: [{ name, bytes, sha256 }] }` as CBOR, and each input file in a field named by its SHA-256.',
    responses: json(z.object({ id: z.string() }), 'On disk'),
  }),
  copy: createRoute({
    method: 'post',
    path: '/copies',
    summary: 'Keeps the input files of a job for another node, which keeps its jobs here too',
    description: 'The same form as a submission. For nodes alone.',
    responses: json(z.object({}), 'On disk'),
  }),
  list: createRoute({
    method: 'get',
    path: '/jobs',
    summary: 'Jobs, newest first, of this node and of others that can be reached',
    request: { query: jobListQuerySchema },
    responses: json(jobListSchema, 'Jobs'),
  }),
  show: createRoute({
    method: 'get',
    path: '/jobs/{id}',
    summary: 'One job, with its units',
    request: { headers: readingHeadersSchema, params: jobParamsSchema },
    responses: json(jobSchema, 'The job'),
  }),
  why: createRoute({
    method: 'get',
    path: '/jobs/{id}/why',
    summary: 'Why a job does not run: every node with its reason',
    request: { headers: readingHeadersSchema, params: jobParamsSchema },
    responses: json(whySchema, 'In one sentence, by reason, and by node'),
  }),
  whyNot: createRoute({
    method: 'post',
    path: '/why',
    summary: 'The same of a job that was not submitted',
    request: { body: { required: true, content: { 'application/json': { schema: whyBodySchema } } } },
    responses: json(whySchema, 'In one sentence, by reason, and by node'),
  }),
  room: createRoute({
    method: 'get',
    path: '/room',
    summary: 'What this node has promised to units, and until when',
    responses: json(roomSchema, 'Its room'),
  }),
  events: createRoute({
    method: 'get',
    path: '/jobs/{id}/events',
    summary: 'The log of a job, one JSON value a line',
    request: { params: jobParamsSchema, query: eventsQuerySchema },
    responses: bytes('application/x-ndjson', 'Events in order, each once'),
  }),
  cancel: createRoute({
    method: 'post',
    path: '/jobs/{id}/cancel',
    summary: 'Cancels a job, for its owner',
    description: 'A SignedStatement `job.cancel` with the body `{ jobId, reason? }`, as CBOR.',
    request: { params: jobParamsSchema },
    responses: json(jobSchema, 'On disk; done when its state is final'),
  }),
  input: createRoute({
    method: 'get',
    path: '/jobs/{id}/inputs/{name}',
    summary: 'An input file, for nodes that run the job',
    request: { params: jobParamsSchema.extend(nameParameter) },
    responses: bytes('application/octet-stream', 'Its bytes'),
  }),
  output: createRoute({
    method: 'get',
    path: '/jobs/{id}/units/{index}/output',
    summary: 'What a unit wrote to stdout or stderr',
    request: { headers: readingHeadersSchema, params: unitParamsSchema, query: outputQuerySchema },
    responses: bytes('application/octet-stream', 'Bytes from the offset on'),
  }),
  files: createRoute({
    method: 'get',
    path: '/jobs/{id}/units/{index}/files',
    summary: 'The output files of a unit',
    request: { headers: readingHeadersSchema, params: unitParamsSchema },
    responses: json(filesSchema, 'Names and lengths'),
  }),
  file: createRoute({
    method: 'get',
    path: '/jobs/{id}/units/{index}/files/{name}',
    summary: 'An output file of a unit',
    request: { headers: readingHeadersSchema, params: unitParamsSchema.extend(nameParameter) },
    responses: bytes('application/octet-stream', 'Its bytes'),
  }),
  unitOutput: createRoute({
    method: 'get',
    path: '/units/{unitId}/output',
    summary: 'The same of a unit that ran here',
    request: { headers: readingHeadersSchema, params: z.object(unitIdParameter), query: outputQuerySchema },
    responses: bytes('application/octet-stream', 'Bytes from the offset on'),
  }),
  unitFiles: createRoute({
    method: 'get',
    path: '/units/{unitId}/files',
    summary: 'The same of a unit that ran here',
    request: { headers: readingHeadersSchema, params: z.object(unitIdParameter) },
    responses: json(filesSchema, 'Names and lengths'),
  }),
  unitFile: createRoute({
    method: 'get',
    path: '/units/{unitId}/files/{name}',
    summary: 'The same of a unit that ran here',
    request: { headers: readingHeadersSchema, params: z.object({ ...unitIdParameter, ...nameParameter }) },
    responses: bytes('application/octet-stream', 'Its bytes'),
  }),
}

type RouteContext = Context<RouteBindings>

const asking = (context: RouteContext): Asking => ({
  caller: context.env.caller,
  signal: context.req.raw.signal,
  statement: context.req.header(STATEMENT_HEADER),
})

const stream = (context: RouteContext, type: string, body: ReadableStream<Uint8Array>) =>
  context.body(body, 200, { 'content-type': type }) as never

const OCTETS = 'application/octet-stream'

/** The routes of jobs, relative to `/aem`. Failures are thrown: the daemon's surface answers them. */
export function jobRoutes(jobs: Jobs, whyNot: WhyNot) {
  return new OpenAPIHono<RouteBindings>({ defaultHook: refuseInvalid })
    .openapi(routes.submit, async (context) =>
      context.json({ id: await jobs.submit(context.req.raw, asking(context)) }, 200),
    )
    .openapi(routes.copy, async (context) => {
      await jobs.copy(context.req.raw, asking(context))
      return context.json({}, 200)
    })
    .openapi(routes.list, async (context) =>
      context.json(await jobs.list(context.req.valid('query'), asking(context)), 200),
    )
    .openapi(routes.show, async (context) =>
      context.json(await jobs.show(jobPrefix(context.req.valid('param').id), asking(context)), 200),
    )
    .openapi(routes.why, async (context) =>
      context.json(await whyNot.ofJob(jobPrefix(context.req.valid('param').id), asking(context)), 200),
    )
    .openapi(routes.whyNot, async (context) =>
      context.json(await whyNot.ofDescription(context.req.valid('json').description, asking(context)), 200),
    )
    .openapi(routes.room, (context) => context.json(whyNot.room(), 200))
    .openapi(routes.events, async (context) => {
      const id = jobPrefix(context.req.valid('param').id)
      return stream(context, 'application/x-ndjson', await jobs.events(id, context.req.valid('query'), asking(context)))
    })
    .openapi(routes.cancel, async (context) => {
      const id = jobPrefix(context.req.valid('param').id)
      const statement = new Uint8Array(await context.req.arrayBuffer())
      return context.json(await jobs.cancel(id, statement, asking(context)), 200)
    })
    .openapi(routes.input, async (context) => {
      const { id, name } = context.req.valid('param')
      return stream(context, OCTETS, await jobs.input(id, name, asking(context)))
    })
    .openapi(routes.output, async (context) => {
      const { id, index } = context.req.valid('param')
      const query = context.req.valid('query')
      return stream(context, OCTETS, await jobs.output(jobPrefix(id), index, query, asking(context)))
    })
    .openapi(routes.files, async (context) => {
      const { id, index } = context.req.valid('param')
      return context.json(await jobs.files(jobPrefix(id), index, asking(context)), 200)
    })
    .openapi(routes.file, async (context) => {
      const { id, index, name } = context.req.valid('param')
      return stream(context, OCTETS, await jobs.file(jobPrefix(id), index, name, asking(context)))
    })
    .openapi(routes.unitOutput, async (context) => {
      const unitId = wholeUnitId(context.req.valid('param').unitId)
      return stream(context, OCTETS, await jobs.unitOutput(unitId, context.req.valid('query'), asking(context)))
    })
    .openapi(routes.unitFiles, async (context) =>
      context.json(await jobs.unitFiles(wholeUnitId(context.req.valid('param').unitId), asking(context)), 200),
    )
    .openapi(routes.unitFile, async (context) => {
      const { unitId, name } = context.req.valid('param')
      return stream(context, OCTETS, await jobs.unitFile(wholeUnitId(unitId), name, asking(context)))
    })
}

/** For the typed client: `hc<JobApp>('http://roost/aem', { fetch })`. */
export type JobApp = ReturnType<typeof jobRoutes>

/** The same as the plugin contract has it. */
export function asRoutes(app: JobApp): Routes {
  return {
    app: app as unknown as Routes['app'],
    describe: () => {
      const { paths, components } = app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'aem', version: '1' } })
      return { paths: paths ?? {}, schemas: components?.schemas ?? {} }
    },
  }
}

/** Ids are lower case; a prefix of one may be typed in any. */
function jobPrefix(text: string): string {
  const prefix = text.toLowerCase()
  if (!isJobId(prefix.padEnd(26, '0'))) throw new RoostError('JOB_NOT_FOUND', `${JSON.stringify(text)} is no job's id`)
  return prefix
}

function wholeUnitId(text: string): string {
  if (!parseUnitId(text)) throw new RoostError('UNIT_NOT_FOUND', `${JSON.stringify(text)} is no unit's id`)
  return text
}

/** A path or query that does not fit its schema becomes `USAGE`, naming the field. */
function refuseInvalid(result: { success: true } | { success: false; error: z.ZodError; target: string }): void {
  if (result.success) return
  const [issue] = result.error.issues
  const where = [result.target, ...(issue?.path ?? []).map(String)].join('.')
  throw new RoostError('USAGE', `${where}: ${issue?.message ?? 'not valid'}`, {
    hint: 'GET /openapi.json says what each route takes',
  })
}
