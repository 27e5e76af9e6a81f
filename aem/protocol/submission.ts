import { shape, type PeerId, type Plain } from '../../overlay/index.ts'
import { promisedBytes, readDescription, type JobDescription } from './description.ts'
import { malformedJob } from './field-reader.ts'
import { unitIdOf, type JobId } from './ids.ts'
import type { InputFile, UnitOrder } from './launcher.ts'
import { inputFiles } from './order-shape.ts'
import { jobId, REASON_CHARS_MAX } from './shapes.ts'
import type { Assignment } from './unit-log.ts'

/** The action under which a submission is signed; its body is `{ controller, description, inputs }`, the description as the user wrote it. */
export const SUBMIT_ACTION = 'job.submit'
/** The action under which a cancellation is signed; its body is `{ jobId }` and may give a `reason`. */
export const CANCEL_ACTION = 'job.cancel'

/** What a signed statement says, and who says it: the user's key id. */
export interface CheckedStatement {
  readonly owner: string
  readonly body: Plain
}

/**
 * Checks a user's signed statement, given as a plain value: signature, certificate and action; `fresh` also asks that it is new. Throws a
 * `RoostError` as `Trust.check` does.
 */
export type CheckStatement = (
  statement: Plain,
  action: string,
  options: { readonly fresh: boolean },
) => CheckedStatement

export interface Submission {
  /** The one node that may control the job: who else is handed the statement cannot run it a second time. */
  readonly controller: PeerId
  readonly description: JobDescription
  readonly inputs: readonly InputFile[]
}

const submissionBody = shape.record({
  controller: shape.peerId,
  description: (value: unknown) => value,
  inputs: inputFiles,
})

/**
 * The body of a signed submission. `JOB_MALFORMED` also where `inputs` are not just the files that `stage.in` names: what is not signed
 * is not staged.
 */
export function readSubmission(value: unknown): Submission {
  const { controller, description: raw, inputs } = submissionBody(value, 'submission')
  const description = readDescription(raw)
  const named = new Set(description.stage.in)
  const given = new Set(inputs.map((input) => input.name))
  if (given.size !== inputs.length || named.size !== given.size || !inputs.every((input) => named.has(input.name)))
    throw malformedJob(['stage', 'in'], 'the files that come with the job are not the ones that it names')
  return { controller, description, inputs }
}

const cancellationBody = shape.record({ jobId, reason: shape.optional(shape.text(REASON_CHARS_MAX)) })

/** The body of a signed cancellation, or `MESSAGE_MALFORMED`. */
export function readCancellation(value: unknown): { readonly jobId: JobId; readonly reason?: string } {
  return cancellationBody(value, 'cancellation')
}

/** What one unit is to run: a function of what the user signed and of where the controller put the units. */
export function orderOf(submission: Submission, owner: string, assignment: Assignment): UnitOrder {
  const { description, inputs } = submission
  const { jobId, attempt, index, peers, controller, holders } = assignment
  const memoryBytes = promisedBytes(description)
  return {
    unitId: unitIdOf(jobId, attempt, index),
    jobId,
    name: description.name,
    index,
    count: description.nodes,
    attempt,
    run: description.run,
    env: description.env,
    cores: description.cores,
    ...(memoryBytes > 0 && { memoryBytes }),
    limits: description.limits,
    ...(description.isolate !== undefined && { isolate: description.isolate }),
    inputs,
    outputs: description.stage.out,
    ...(description.workdir !== undefined && { workdir: description.workdir }),
    controller,
    ...(holders && { holders }),
    owner,
    peers,
  }
}
