import { shape } from '../../overlay/index.ts'
import type { JobId } from './ids.ts'
import { jobId } from './shapes.ts'

/**
 * The action under which a member asks to read what is the owner's alone; its body is `{ jobId }`. Reading changes nothing, so that one
 * signature is good for as many requests about this job as are made while it is fresh.
 */
export const READ_ACTION = 'job.read'

const readingBody = shape.record({ jobId })

/** The body of a signed wish to read, or `MESSAGE_MALFORMED`. */
export function readReading(value: unknown): { readonly jobId: JobId } {
  return readingBody(value, 'reading')
}
