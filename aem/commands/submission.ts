import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { RoostError, type PeerId, type Plain } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { SUBMIT_ACTION, type JobDescription } from '../protocol/index.ts'
import { ask } from './daemon.ts'
import { encodeStatement } from './statement.ts'

/** All input files of one job: what fits one request. Larger data belongs into files of the grid. */
export const INPUT_BYTES_MAX = 7 * 1024 * 1024

export interface InputSource {
  /** Its name in the sandbox. */
  readonly name: string
  /** Where it lies here. */
  readonly file: string
}

/** Reads the input files, signs and submits. Gives the job's id when the job is on the controller's disk. */
export async function submitDescription(
  context: CommandContext,
  { raw, inputs }: { readonly raw: Plain; readonly inputs: readonly InputSource[] },
): Promise<string> {
  const files = await readInputs(inputs)
  const body = {
    controller: await controllerOf(context),
    description: raw,
    inputs: files.map(({ name, bytes, sha256 }) => ({ name, bytes: bytes.length, sha256 })),
  }
  const form = new FormData()
  form.set('statement', new Blob([encodeStatement(await context.sign(SUBMIT_ACTION, body))]))
  for (const { sha256, bytes } of files) form.set(sha256, new Blob([bytes]))
  const { id } = await ask<{ id: string }>(context, '/jobs', { method: 'POST', body: form })
  context.last.set('job', id)
  return id
}

/** The node that the daemon is: it will control the job, and the signature says so. */
async function controllerOf(context: CommandContext): Promise<PeerId> {
  return ((await (await context.fetch('http://roost/status')).json()) as { id: PeerId }).id
}

/** The files that a description names, below this directory. */
export function inputsOf(description: JobDescription, directory: string): InputSource[] {
  return description.stage.in.map((name) => ({ name, file: resolve(directory, name) }))
}

interface ReadInput {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly sha256: string
}

async function readInputs(inputs: readonly InputSource[]): Promise<ReadInput[]> {
  let bytesLeft = INPUT_BYTES_MAX
  const files: ReadInput[] = []
  for (const { name, file } of inputs) {
    bytesLeft -= await sizeOf(file)
    if (bytesLeft < 0)
      throw new RoostError('MESSAGE_TOO_LARGE', `the input files have more than ${INPUT_BYTES_MAX} bytes together`, {
        hint: 'let the units fetch large data themselves',
      })
    const bytes = new Uint8Array(await readFile(file).catch(unreadable(file)))
    files.push({ name, bytes, sha256: createHash('sha256').update(bytes).digest('hex') })
  }
  return files
}

/** Asked before it is read: a file may be larger than memory. */
async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(unreadable(file))
  if (!found.isFile()) throw new RoostError('FILE_UNREADABLE', `the input ${file} is not a file`)
  return found.size
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a directory',
  EACCES: 'may not be read by you',
}

export function unreadable(file: string): (cause: NodeJS.ErrnoException) => never {
  return (cause) => {
    const why = UNREADABLE[cause.code ?? ''] ?? `cannot be read: ${cause.message}`
    throw new RoostError('FILE_UNREADABLE', `${file} ${why}`, { cause })
  }
}
