import type { z } from 'zod'
import { nearest } from '../../overlay/index.ts'
import { SETTING_KEYS } from './keys.ts'
import { layerSchema, type Layer } from './schema.ts'

/** What is wrong with a value, and where in it. */
export interface Fault {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint?: string
}

/** Either a layer that says only what it may, or the first fault in it. */
export function checkLayer(value: unknown): { readonly layer: Layer } | { readonly fault: Fault } {
  const result = layerSchema.safeParse(value ?? {})
  return result.success ? { layer: result.data } : { fault: faultOf(result.error.issues[0]!) }
}

function faultOf(issue: z.core.$ZodIssue): Fault {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const meant = nearest(key, Object.keys(SETTING_KEYS))
    return {
      path: [...path, key],
      message: `there is no setting "${key}"`,
      ...(meant && { hint: `did you mean "${meant}"?` }),
    }
  }
  if (issue.code === 'invalid_union' && path[0] === 'plugins')
    return { path, message: `${path.join('.')}: expected its settings, or false` }
  const { message } = issue.code === 'invalid_key' ? issue.issues[0]! : issue
  return { path, message: `${path.join('.') || 'the file'}: ${message.replace(/^Invalid (input|option): /, '')}` }
}
