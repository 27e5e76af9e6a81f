import { z } from '@hono/zod-openapi'
import { FINAL_STATES, JOB_STATES, NODES_MAX, ROOM_PROMISES_MAX, VERDICT_KINDS } from '../protocol/index.ts'
import { isState, readLabelFilter } from './job-filter.ts'
import { STATEMENT_HEADER, STATEMENT_HEADER_CHARS_MAX } from './statement-header.ts'

/** What the routes take and give. Times are Unix milliseconds by the controller's clock. */

const peer = z.string().max(64)
const jobId = z.string().max(26)

const exitSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('exited'), code: z.int() }),
    z.object({ kind: z.literal('signalled'), signal: z.string() }),
    z.object({ kind: z.literal('timeout') }),
    z.object({ kind: z.literal('oom') }),
    z.object({ kind: z.literal('unstartable'), reason: z.string() }),
    z.object({ kind: z.literal('vanished'), reason: z.string() }),
  ])
  .openapi('UnitExit')

const unitSchema = z
  .object({
    index: z.int(),
    state: z.enum(['waiting', 'starting', 'running', 'exited', 'lost']),
    reason: z.string(),
    node: peer.optional(),
    attempt: z.int().optional(),
    unitId: z.string().max(64).optional(),
    exit: exitSchema.optional(),
    startedAtMs: z.number().optional(),
    endedAtMs: z.number().optional(),
  })
  .openapi('Unit')

const descriptionSchema = z
  .object({
    name: z.string(),
    run: z.union([z.string(), z.array(z.string())]),
    where: z.string(),
    rank: z.string().optional(),
    nodes: z.int(),
    cores: z.int(),
    memoryBytes: z.number().optional(),
    env: z.record(z.string(), z.string()),
    labels: z.record(z.string(), z.string()).optional(),
    limits: z.object({
      timeMs: z.number().optional(),
      memoryBytes: z.number().optional(),
      processesCount: z.int().optional(),
    }),
    isolate: z.object({ network: z.boolean() }).optional(),
    stage: z.object({ in: z.array(z.string()), out: z.array(z.string()) }),
    workdir: z.string().optional(),
  })
  .openapi('JobDescription')

export const jobSchema = z
  .object({
    id: jobId,
    name: z.string().default(''),
    labels: z.record(z.string(), z.string()).default({}),
    owner: z.string().max(64),
    controller: peer,
    description: descriptionSchema.optional().openapi({ description: 'Only for its owner, as the inputs are.' }),
    inputs: z.array(z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })).optional(),
    state: z.enum(JOB_STATES),
    reason: z.string(),
    units: z.array(unitSchema).max(NODES_MAX),
    attempt: z.int(),
    placement: z.enum(['none', 'matched', 'placed']),
    cancelling: z.object({ by: z.string(), reason: z.string() }).optional(),
    submittedAtMs: z.number(),
    startedAtMs: z.number().optional(),
    endedAtMs: z.number().optional(),
    exitCode: z.int().optional(),
    lastNumber: z.int(),
  })
  .openapi('Job')

export const jobSummarySchema = z
  .object({
    id: jobId,
    name: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    owner: z.string(),
    state: z.enum(JOB_STATES),
    reason: z.string(),
    controller: peer,
    unitsCount: z.int(),
    submittedAtMs: z.number(),
    startedAtMs: z.number().optional(),
    endedAtMs: z.number().optional(),
    exitCode: z.int().optional(),
  })
  .openapi('JobSummary')

export const jobListSchema = z
  .object({
    jobs: z.array(jobSummarySchema),
    unreached: z.array(z.object({ node: peer, reason: z.string() })).openapi({
      description: 'Nodes that may control more of these jobs and could not be asked.',
    }),
    isWhole: z
      .boolean()
      .openapi({ description: 'False where there are more jobs than are listed; these are the newest.' }),
  })
  .openapi('JobList')

/** Lists are texts with commas, as they travel from node to node. */
export const jobListQuerySchema = z.object({
  user: z.string().max(64).optional().openapi({ description: "A user's key id; then other nodes are asked too." }),
  state: z
    .string()
    .max(200)
    .refine((text) => text.split(',').every(isState), `one or more of ${JOB_STATES.join(', ')}, with commas between`)
    .optional()
    .openapi({ description: 'States, with commas between.', examples: ['queued,running'] }),
  label: z
    .string()
    .max(4_096)
    .refine((text) => readLabelFilter(text) !== undefined, 'labels as name=value, with commas between')
    .optional()
    .openapi({
      description: 'Labels that a job must have, with commas between; the values percent-encoded.',
      examples: ['team=render'],
    }),
  sinceMs: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .openapi({ description: 'Only jobs that were submitted then or later.' }),
  all: z
    .stringbool()
    .default(false)
    .openapi({ description: `Also jobs that are ${FINAL_STATES.join(', ')}.` }),
})

export const filesSchema = z
  .object({
    files: z.array(z.object({ name: z.string(), bytes: z.number() })),
    isWhole: z.boolean().openapi({ description: 'False where there are more files than are listed.' }),
  })
  .openapi('OutputFiles')

const count = z.int().min(0)

export const whySchema = z
  .object({
    job: z
      .object({ id: jobId, state: z.enum(JOB_STATES), reason: z.string() })
      .optional()
      .openapi({ description: 'Absent of a description that was not submitted.' }),
    headline: z.string().openapi({ description: 'In one sentence, and what would change it.' }),
    wantedCount: count,
    matchingCount: count.openapi({ description: 'Nodes that are what the job asks for, with room or without.' }),
    groups: z
      .array(z.object({ kind: z.enum(VERDICT_KINDS), text: z.string(), count, nodes: z.array(peer) }))
      .openapi({ description: 'Nodes by reason, the most frequent first; each node once.' }),
    conditions: z.array(z.object({ condition: z.string(), failedCount: count, failedAloneCount: count })).openapi({
      description: 'What the job asks of a node, how many do not fulfil it, and how many of these all else.',
    }),
    relaxation: z
      .object({ condition: z.string(), matchCount: count })
      .optional()
      .openapi({ description: 'The one condition without which there would be nodes enough.' }),
    nodes: z.array(
      z.object({
        id: peer,
        name: z.string(),
        kind: z.enum(VERDICT_KINDS),
        reason: z.string(),
        failed: z.array(z.string()),
        roomAtMs: z.number().optional(),
      }),
    ),
    isWhole: z.boolean().openapi({ description: 'False where the grid has more nodes than were asked.' }),
  })
  .openapi('Why')

export const whyBodySchema = z.object({
  description: z.record(z.string(), z.unknown()).openapi({ description: 'As a job file says it.' }),
})

const capacitySchema = z.object({ cores: count, memoryBytes: count })

export const roomSchema = z
  .object({
    capacity: capacitySchema,
    free: capacitySchema,
    promises: z.array(capacitySchema.extend({ untilMs: z.number().optional() })).max(ROOM_PROMISES_MAX),
  })
  .openapi('Room')

const offset = z.coerce.number().int().min(0)

export const outputQuerySchema = z.object({
  stream: z.enum(['stdout', 'stderr']).default('stdout'),
  from: offset.default(0).openapi({ description: 'The first byte wanted.' }),
  follow: z.stringbool().default(false).openapi({ description: 'Goes on until the unit has ended.' }),
})

export const eventsQuerySchema = z.object({
  from: z.coerce.number().int().min(1).default(1).openapi({ description: 'The number of the first event wanted.' }),
  follow: z.stringbool().default(false).openapi({ description: 'Goes on until the job has ended.' }),
})

/** Who wants to read what is the owner's alone says so under signature. */
export const readingHeadersSchema = z.object({
  [STATEMENT_HEADER]: z
    .string()
    .max(STATEMENT_HEADER_CHARS_MAX)
    .optional()
    .openapi({ description: 'A SignedStatement `job.read` with the body `{ jobId }`, as CBOR in base64.' }),
})

export const jobParamsSchema = z.object({
  id: z.string().min(1).max(26).openapi({ description: 'The id of a job, or a prefix that no other has.' }),
})

export const unitParamsSchema = jobParamsSchema.extend({
  index: z.coerce
    .number()
    .int()
    .min(0)
    .max(NODES_MAX - 1)
    // A number that is coerced takes null too, and would be described as optional: in a path nothing is.
    .openapi({ param: { name: 'index', in: 'path', required: true }, type: 'integer' }),
})

export const errorSchema = z
  .object({
    error: z.object({ code: z.string(), message: z.string(), hint: z.string(), certain: z.boolean() }).loose(),
  })
  .openapi('Error')

export type Job = z.infer<typeof jobSchema>
export type JobSummary = z.infer<typeof jobSummarySchema>
export type JobList = z.infer<typeof jobListSchema>
export type JobListQuery = z.infer<typeof jobListQuerySchema>
export type OutputFiles = z.infer<typeof filesSchema>
export type NodeRoom = z.infer<typeof roomSchema>
export type Why = z.infer<typeof whySchema>
export type OutputQuery = z.infer<typeof outputQuerySchema>
export type EventsQuery = z.infer<typeof eventsQuerySchema>
