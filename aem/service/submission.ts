import { asRoostError, RoostError, type Crypto, type Plain } from '../../overlay/index.ts'
import {
  jobIdOf,
  readSubmission,
  SUBMIT_ACTION,
  type CheckStatement,
  type JobService,
  type JobView,
} from '../protocol/index.ts'
import type { InputFiles } from '../store/index.ts'
import { decodeStatement } from './statement.ts'

/**
 * The body of a submission is a form (multipart/form-data): `statement`, a SignedStatement `job.submit` as CBOR, and each
 * input file as raw bytes in a field named by its SHA-256. So names never pass through a form, equal files travel once, and
 * the signature covers every byte.
 */
export interface SubmittedForm {
  readonly statement: Plain & {}
  /** Input files by their SHA-256, 64 hexadecimal digits. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

export const STATEMENT_FIELD = 'statement'

export async function readForm(request: Request): Promise<SubmittedForm> {
  let form: Awaited<ReturnType<Request['formData']>>
  try {
    form = await request.formData()
  } catch (cause) {
    throw new RoostError('MESSAGE_MALFORMED', 'a submission is a form with the field `statement`', { cause })
  }
  const files = new Map<string, Uint8Array>()
  let statement: (Plain & {}) | undefined
  for (const [name, value] of form as unknown as Iterable<[string, string | Blob]>) {
    if (typeof value === 'string') continue
    const bytes = new Uint8Array(await value.arrayBuffer())
    if (name === STATEMENT_FIELD) statement = decodeStatement(bytes)
    else files.set(name, bytes)
  }
  if (statement === undefined) throw new RoostError('SIGNATURE_REQUIRED', 'the form has no field `statement`')
  return { statement, files }
}

export interface SubmitDependencies {
  readonly service: JobService
  readonly inputs: InputFiles
  readonly check: CheckStatement
  readonly crypto: Pick<Crypto, 'hash'>
}

/** Keeps the input files and takes the job on, both on disk when it resolves. The same statement again is the same job. */
export async function submitJob(form: SubmittedForm, dependencies: SubmitDependencies): Promise<JobView> {
  const { service, inputs, check, crypto } = dependencies
  const jobId = jobIdOf(form.statement, crypto)
  // Checked before a byte is kept; whether it is new is asked where it takes effect, since that may be asked only once.
  const { body } = check(form.statement, SUBMIT_ACTION, { fresh: false })
  const { inputs: files } = readSubmission(body)
  const isKnown = service.view(jobId) !== undefined
  if (!isKnown) await inputs.write(jobId, files, bytesByName(files, form))
  try {
    return await service.submit(form.statement)
  } catch (thrown) {
    const error = asRoostError(thrown)
    // Where it may have been taken on all the same it keeps its files: a sweep at the next start settles it.
    if (!isKnown && error.certain && service.view(jobId) === undefined) await inputs.remove(jobId)
    throw error
  }
}

function bytesByName(
  files: readonly { readonly name: string; readonly sha256: string }[],
  form: SubmittedForm,
): ReadonlyMap<string, Uint8Array> {
  return new Map(files.flatMap(({ name, sha256 }) => (form.files.has(sha256) ? [[name, form.files.get(sha256)!]] : [])))
}
