import { z } from '@hono/zod-openapi'

/** What the core routes carry. Names and units as in DESIGN's attribute table; times end in Ms. */

export const attributeValueSchema = z.union([z.number(), z.string(), z.boolean(), z.array(z.string())])
export const attributesSchema = z.record(z.string(), attributeValueSchema).openapi('Attributes')

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      hint: z.string(),
      certain: z.boolean(),
      data: z.record(z.string(), z.unknown()).optional(),
      line: z.number().optional(),
      column: z.number().optional(),
      file: z.string().optional(),
    }),
  })
  .openapi('Error')

const reachStateSchema = z.enum(['reachable', 'relayed', 'cut-off', 'unknown']).openapi({
  description:
    'How others reach this node: they dial it; over a relay, since it can only dial out; not at all; nobody was there yet to tell.',
})

export const statusSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.string(),
    pid: z.number(),
    startedAtMs: z.number(),
    wallMs: z.number().openapi({ description: 'Unix time as this machine believes it, in milliseconds.' }),
    dataDir: z.string(),
    addresses: z.array(z.string()),
    reach: reachStateSchema,
    api: z.string().openapi({ description: 'The loopback URL; its bearer token lies in the data directory.' }),
    grid: z.object({
      name: z.string(),
      fingerprint: z.string(),
      isAuthority: z.boolean(),
      certificateNotAfterMs: z.number(),
    }),
    nodes: z.object({ alive: z.number(), suspect: z.number(), dead: z.number(), left: z.number() }),
    plugins: z.array(
      z.object({
        name: z.string(),
        version: z.string(),
        state: z.enum(['running', 'failed', 'stopped']),
        error: z.string().optional(),
      }),
    ),
  })
  .openapi('Status')

export const nodeSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(['alive', 'suspect', 'dead', 'left']),
    sinceMs: z.number().openapi({ description: 'How long ago this node came to think so, in milliseconds.' }),
    sequence: z.number(),
    addresses: z.array(z.string()),
    attributes: attributesSchema,
  })
  .openapi('Node')

export const findRequestSchema = z
  .object({
    where: z.string().max(16_384),
    rank: z.string().max(16_384).optional(),
    count: z.int().min(1).max(100_000).default(20),
    timeoutMs: z.int().min(1).max(600_000).default(5_000),
  })
  .openapi('FindRequest')

export const foundNodeSchema = z
  .object({ id: z.string(), name: z.string(), rank: z.number(), attributes: attributesSchema })
  .openapi('FoundNode')

export const explanationSchema = z
  .object({
    boxes: z
      .array(z.string())
      .openapi({ description: 'What the query says of static attributes; a node that matches is in one of these.' }),
    grouping: z
      .array(z.string())
      .openapi({ description: 'Attributes; none where nodes are grouped by their ids alone.' }),
    cellCount: z.number(),
    contactCount: z.number().openapi({ description: 'Nodes that were asked for descriptors.' }),
    roundTripCount: z.number(),
    heldCount: z.number().openapi({ description: 'Descriptors looked at that the node which searched held itself.' }),
    failedCount: z.number().openapi({ description: 'Parts of the grid for which nobody answered.' }),
    estimatedCells: z.number().optional(),
    consideredCount: z.number().openapi({ description: 'Nodes looked at: ruled out, or candidates.' }),
    ruledOutCount: z.number(),
    askedCount: z.number(),
    confirmedCount: z.number(),
    unfitCount: z.number(),
    silentCount: z.number(),
    elapsedMs: z.number(),
    complete: z.boolean().openapi({ description: 'Whether every node that may match was looked at, and asked.' }),
    reason: z.enum(['enough', 'nobody-left', 'deadline', 'cancelled']),
  })
  .openapi('Explanation')

const findEnd = {
  rejected: z.object({ static: z.number(), dynamic: z.number(), silent: z.number() }),
  explanation: explanationSchema,
}

export const findReplySchema = z.object({ nodes: z.array(foundNodeSchema), ...findEnd }).openapi('FindReply')

/** The same in lines: each node when it has answered, then the rest. A failure in between is the last line. */
export const findLineSchema = z
  .discriminatedUnion('type', [
    foundNodeSchema.extend({ type: z.literal('node') }),
    z.object({ type: z.literal('end'), ...findEnd }),
    errorSchema.extend({ type: z.literal('error') }),
  ])
  .openapi('FindLine')

export const inviteReplySchema = z.object({ ticket: z.string(), expiresAtMs: z.number() }).openapi('Invite')

export const labelsRequestSchema = z
  .object({ set: attributesSchema.default({}), remove: z.array(z.string()).max(256).default([]) })
  .openapi('LabelsRequest')

export const doctorReplySchema = z
  .object({
    checks: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['ok', 'warning', 'failed']),
        detail: z.string(),
        hint: z.string().optional(),
      }),
    ),
  })
  .openapi('Doctor')

export const netCheckSchema = z
  .object({
    state: reachStateSchema,
    detail: z.string(),
    hint: z.string().optional(),
    addresses: z.array(z.string()).openapi({ description: 'Multiaddrs that this node tells others.' }),
    relays: z.array(z.object({ id: z.string(), name: z.string() })),
    relayedPeersCount: z.number().openapi({ description: 'Nodes that this one relays for.' }),
    witnesses: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        answer: z.enum(['reached', 'not-reached', 'silent']),
        host: z.string().optional().openapi({ description: 'The IP address under which it sees this node.' }),
      }),
    ),
  })
  .openapi('NetCheck')

export type NetCheck = z.infer<typeof netCheckSchema>
export type Status = z.infer<typeof statusSchema>
export type NodeReport = z.infer<typeof nodeSchema>
export type FindRequest = z.infer<typeof findRequestSchema>
export type FindReply = z.infer<typeof findReplySchema>
export type FoundNode = z.infer<typeof foundNodeSchema>
export type FindLine = z.infer<typeof findLineSchema>
export type Invite = z.infer<typeof inviteReplySchema>
export type LabelsRequest = z.infer<typeof labelsRequestSchema>
export type DoctorReply = z.infer<typeof doctorReplySchema>
