import { asRoostError, RoostError, type Crypto, type PeerId, type Plain } from '../../overlay/index.ts'
import {
  jobIdOf,
  readSubmission,
  SUBMIT_ACTION,
  type CheckStatement,
  type JobService,
  type JobView,
} from '../protocol/index.ts'
import type { InputFiles } from '../store/index.ts'
import type { Boards } from './boards.ts'
import type { Controllers } from './controllers.ts'
import { decodeStatement, encodeStatement } from './statement.ts'

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

/** How long the input files may take to the others who keep the job. */
const SPREAD_MS_MAX = 60_000

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
  readonly self: PeerId
  readonly controllers: Controllers
  readonly boards: Boards
}

/** Keeps the input files and takes the job on, both on disk when it resolves. The same statement again is the same job. */
export async function submitJob(form: SubmittedForm, dependencies: SubmitDependencies): Promise<JobView> {
  const { service, inputs, check, crypto } = dependencies
  const jobId = jobIdOf(form.statement, crypto)
  // Checked before a byte is kept; whether it is new is asked where it takes effect, since that may be asked only once.
  const { body } = check(form.statement, SUBMIT_ACTION, { fresh: false })
  const { inputs: files, controller: home } = readSubmission(body)
  const isKnown = service.view(jobId) !== undefined
  if (!isKnown) {
    await inputs.write(jobId, files, bytesByName(files, form))
    if (files.length > 0) await spread(form, home, dependencies)
  }
  try {
    return await service.submit(form.statement)
  } catch (thrown) {
    const error = asRoostError(thrown)
    // Where it may have been taken on all the same it keeps its files: a sweep at the next start settles it.
    if (!isKnown && error.certain && service.view(jobId) === undefined) await inputs.remove(jobId)
    throw error
  }
}

/** Gives the input files to those who keep the job: to most of them, or the submission fails. */
async function spread(form: SubmittedForm, home: PeerId, dependencies: SubmitDependencies): Promise<void> {
  const { self, boards, controllers } = dependencies
  const holders = boards.holdersOf(home)
  const others = holders.filter((holder) => holder !== self)
  const signal = AbortSignal.timeout(SPREAD_MS_MAX)
  const copying = others.map((holder) =>
    controllers.ask(holder, '/copies', { method: 'POST', body: formOf(form), signal }),
  )
  const copies = (await Promise.allSettled(copying)).filter(({ status }) => status === 'fulfilled')
  if (2 * (copies.length + 1) > holders.length) return
  throw new RoostError('GROUP_UNREACHABLE', `${copies.length + 1} of ${holders.length} nodes keep the input files`, {
    certain: true,
    hint: "most of the nodes that keep this node's jobs must be there; try again in a moment",
  })
}

/** Keeps the input files of a job that another node is about to accept; `permit` throws where they are not for this node. */
export async function copyInputs(
  form: SubmittedForm,
  { inputs, check, crypto }: Pick<SubmitDependencies, 'inputs' | 'check' | 'crypto'>,
  permit: (home: PeerId) => void,
): Promise<void> {
  const { body } = check(form.statement, SUBMIT_ACTION, { fresh: false })
  const { inputs: files, controller } = readSubmission(body)
  permit(controller)
  await inputs.write(jobIdOf(form.statement, crypto), files, bytesByName(files, form))
}

/** The form as it travels on. */
export function formOf({ statement, files }: SubmittedForm): FormData {
  const form = new FormData()
  form.set(STATEMENT_FIELD, new Blob([encodeStatement(statement)]))
  for (const [name, bytes] of files) form.set(name, new Blob([bytes as Uint8Array<ArrayBuffer>]))
  return form
}

function bytesByName(
  files: readonly { readonly name: string; readonly sha256: string }[],
  form: SubmittedForm,
): ReadonlyMap<string, Uint8Array> {
  return new Map(files.flatMap(({ name, sha256 }) => (form.files.has(sha256) ? [[name, form.files.get(sha256)!]] : [])))
}
