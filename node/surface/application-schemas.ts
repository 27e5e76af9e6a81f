import { z } from '@hono/zod-openapi'
import {
  APPLICATION_NAME_CHARS_MAX,
  APPLICATION_NAME_PATTERN,
  APPLICATION_TTL_MS_DEFAULT,
  APPLICATION_TTL_MS_MAX,
  APPLICATION_TTL_MS_MIN,
  ENDPOINTS_COUNT_MAX,
  ENDPOINT_CHARS_MAX,
  INSTANCE_CHARS_MAX,
  INSTANCE_DEFAULT,
  OWNER_CHARS_MAX,
} from '../../overlay/index.ts'
import { attributesSchema, errorSchema } from './core-schemas.ts'

/** What the routes of applications carry. */

export const applicationNameSchema = z
  .string()
  .max(APPLICATION_NAME_CHARS_MAX)
  .regex(APPLICATION_NAME_PATTERN, 'a name of a-z, 0-9, ".", "_" and "-", a letter or digit at both ends')

export const ownerSchema = z
  .string()
  .min(1)
  .max(OWNER_CHARS_MAX)
  .openapi({ description: 'The id of a member, of a job or of a node: whose name it is.' })

export const applicationSchema = z
  .object({
    name: z.string(),
    owner: ownerSchema.openapi({ description: '`member` where there is one, else `job`, else `publisher`.' }),
    publisher: z.string().openapi({ description: 'The node that publishes it.' }),
    instance: z.string().openapi({ description: "Which of that node's publications of this name it is." }),
    endpoints: z.array(z.string()),
    attributes: attributesSchema,
    ttlMs: z.number(),
    atMs: z.number().openapi({ description: "Unix time of the publisher's last word, by its own clock." }),
    job: z.string().optional(),
    member: z.string().optional().openapi({ description: 'The member who signed for it.' }),
  })
  .openapi('Application')

export const publishRequestSchema = z
  .object({
    name: applicationNameSchema,
    instance: z
      .string()
      .min(1)
      .max(INSTANCE_CHARS_MAX)
      .optional()
      .openapi({
        description: `\`${INSTANCE_DEFAULT}\` where left out; the unit's id where a job publishes.`,
      }),
    endpoints: z.array(z.string().max(ENDPOINT_CHARS_MAX)).min(1).max(ENDPOINTS_COUNT_MAX).openapi({
      description: '`scheme://host:port`, and perhaps a path.',
    }),
    attributes: attributesSchema.default({}),
    ttlMs: z.int().min(APPLICATION_TTL_MS_MIN).max(APPLICATION_TTL_MS_MAX).default(APPLICATION_TTL_MS_DEFAULT),
    statement: z.base64().max(65_536).optional().openapi({
      description:
        'A SignedStatement `app.publish` of a member with the body `{ publisher, name, instance, endpoints, attributes, ttlMs }`, as CBOR in base64.',
    }),
  })
  .openapi('PublishRequest')

export const resolveReplySchema = z.object({ applications: z.array(applicationSchema) }).openapi('ResolveReply')

export const findApplicationsRequestSchema = z
  .object({
    where: z.string().max(16_384).default('true'),
    count: z.int().min(1).max(10_000).default(100),
    timeoutMs: z.int().min(1).max(60_000).default(5_000),
  })
  .openapi('FindApplicationsRequest')

export const findApplicationsReplySchema = z
  .object({
    applications: z.array(applicationSchema),
    isComplete: z.boolean().openapi({ description: 'Whether there are no more, as far as could be seen.' }),
  })
  .openapi('FindApplicationsReply')

export const tunnelRequestSchema = z
  .object({
    port: z.int().min(0).max(65_535).default(0).openapi({ description: '0: any free one.' }),
    owner: ownerSchema.optional().openapi({
      description:
        '`any`: whoever publishes such a name. Left out: the only one who does when the port is opened, and later too.',
    }),
  })
  .openapi('TunnelRequest')

export const tunnelLineSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('listening'), port: z.number() }),
    z.object({ type: z.literal('connected'), node: z.string(), instance: z.string() }),
    z.object({ type: z.literal('failed'), code: z.string(), message: z.string() }),
    errorSchema.extend({ type: z.literal('error') }),
  ])
  .openapi('TunnelLine')

export type ApplicationReport = z.infer<typeof applicationSchema>
export type PublishRequest = z.infer<typeof publishRequestSchema>
export type FindApplicationsRequest = z.infer<typeof findApplicationsRequestSchema>
export type FindApplicationsReply = z.infer<typeof findApplicationsReplySchema>
export type TunnelLine = z.infer<typeof tunnelLineSchema>
