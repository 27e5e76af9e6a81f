import {
  RoostError,
  STATEMENT_AGE_MS_MAX,
  STATEMENT_AHEAD_MS_MAX,
  type PeerId,
  type Surroundings,
} from '../../overlay/index.ts'
import type { SignedStatement } from '../../overlay/contract/index.ts'
import { READ_ACTION, readReading, type CheckStatement, type JobId, type JobView } from '../protocol/index.ts'
import type { Job } from './schemas.ts'
import { STATEMENT_HEADER } from './statement-header.ts'
import { decodeStatement } from './statement.ts'

/** The signed wish to read that came with a request. */
export interface Reading {
  readonly statement?: string | undefined
}

/**
 * Who may read what of a job. Everybody sees that it exists, whose it is, how it stands and why, where its units are, and what happened to
 * it; its owner alone sees its description, its input files' names and its output. Finer policies are asked here.
 */
export class Readers {
  readonly #check: CheckStatement
  readonly #surroundings: Pick<Surroundings, 'wallMs'>

  constructor(check: CheckStatement, surroundings: Pick<Surroundings, 'wallMs'>) {
    this.#check = check
    this.#surroundings = surroundings
  }

  /** Whether a request comes from who may read all of a job. A statement that is not in order is refused as such. */
  mayRead(job: { readonly id: JobId; readonly owner: PeerId }, { statement }: Reading): boolean {
    if (statement === undefined) return false
    const value = decodeStatement(Buffer.from(statement, 'base64'))
    const { owner, body } = this.#check(value, READ_ACTION, { fresh: false })
    const ageMs = this.#surroundings.wallMs - (value as unknown as SignedStatement).statement.atMs
    if (ageMs > STATEMENT_AGE_MS_MAX || -ageMs > STATEMENT_AHEAD_MS_MAX)
      throw new RoostError('STATEMENT_STALE', 'this signed request is not taken: it is not of now')
    return readReading(body).jobId === job.id && owner === job.owner
  }

  demand(job: { readonly id: JobId; readonly owner: PeerId }, reading: Reading): void {
    if (this.mayRead(job, reading)) return
    throw new RoostError('DENIED', `only its owner may read this of job ${job.id}`, {
      hint: '`roost show JOB` says whose it is and how it stands',
    })
  }
}

/** A request about a job, as it is passed on to the node that answers. */
export function passedOn({ statement, signal }: Reading & { readonly signal: AbortSignal }): RequestInit {
  return { signal, ...(statement !== undefined && { headers: { [STATEMENT_HEADER]: statement } }) }
}

/** The view as its owner sees it: the same fields, none of them shared with whoever changes them. */
export function ownJob(view: JobView): Job {
  const { name, labels } = view.description
  return { ...(structuredClone(view) as Omit<Job, 'name' | 'labels'>), name, labels: { ...labels } }
}

/** The view as everybody sees it. */
export function publicJob(view: JobView): Job {
  const { description: _description, inputs: _inputs, ...told } = ownJob(view)
  return told
}
