import { isIP } from 'node:net'
import { z } from 'zod'
import { isAttributeName } from '../../overlay/index.ts'

const port = z.int('expected a whole number').min(0, 'at least 0').max(65_535, 'at most 65535')
const path = z.string().startsWith('/', 'expected an absolute path')
const labelName = z.string().refine(isAttributeName, 'a name has letters, digits, `_` and `.`')

/** What one source of settings may say: a file, the environment or the flags. Every key may be absent. */
export const layerSchema = z.strictObject({
  data: path.optional(),
  user: path.optional(),
  'user-name': z.string().min(1).max(64).optional(),
  name: z.string().min(1).max(64).optional(),
  listen: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z
        .array(z.string().refine((address) => isIP(address) !== 0, 'expected an IP address'))
        .min(1)
        .max(16),
    )
    .optional(),
  port: port.optional(),
  'api-port': port.optional(),
  plugins: z.record(z.string(), z.union([z.record(z.string(), z.unknown()), z.literal(false), z.null()])).optional(),
  labels: z
    .record(labelName, z.union([z.number(), z.string().max(1024), z.boolean(), z.array(z.string()).max(1024)]))
    .optional(),
  software: z.array(z.string().min(1).max(256)).max(1024).optional(),
  'log-level': z.enum(['debug', 'info', 'warn', 'error']).optional(),
})

export type Layer = z.infer<typeof layerSchema>
