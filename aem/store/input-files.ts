import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { RoostError } from '../../overlay/index.ts'
import { diskError } from '../disk/index.ts'
import { isJobId, type InputFile, type JobId } from '../protocol/index.ts'

/**
 * The input files of the jobs that this node controls, on disk before the job is acknowledged. A file is named by its
 * hash, in a directory of its job: no name from outside reaches the disk.
 */
export class InputFiles {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  /** Writes them all and syncs. `JOB_MALFORMED` where the bytes are not those that `inputs` promises; then nothing stays. */
  async write(jobId: JobId, inputs: readonly InputFile[], bytesOf: ReadonlyMap<string, Uint8Array>): Promise<void> {
    if (inputs.length === 0) return
    for (const input of inputs) checkBytes(input, bytesOf.get(input.name))
    const directory = this.#directory(jobId)
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      for (const input of inputs) await writeSynced(join(directory, input.sha256), bytesOf.get(input.name)!)
      await syncDirectory(directory)
    } catch (thrown) {
      await rm(directory, { recursive: true, force: true })
      throw diskError(thrown, 'the input files could not be kept', 'STORE_FAILED')
    }
  }

  async read(jobId: JobId, input: InputFile): Promise<ReadableStream<Uint8Array>> {
    const file = join(this.#directory(jobId), input.sha256)
    try {
      await stat(file)
    } catch (cause) {
      throw new RoostError('RECORD_NOT_FOUND', `the input file ${JSON.stringify(input.name)} is not here any more`, {
        cause,
      })
    }
    return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>
  }

  async remove(jobId: JobId): Promise<void> {
    await rm(this.#directory(jobId), { recursive: true, force: true })
  }

  /** Removes what a crash left of jobs that were never acknowledged or were forgotten since. */
  async sweep(known: ReadonlySet<JobId>): Promise<void> {
    const names = await readdir(this.#root).catch((): string[] => [])
    for (const name of names) if (isJobId(name) && !known.has(name)) await this.remove(name)
  }

  #directory(jobId: JobId): string {
    return join(this.#root, jobId)
  }
}

function checkBytes(input: InputFile, bytes: Uint8Array | undefined): void {
  const fault =
    bytes === undefined
      ? 'did not come with the job'
      : bytes.length !== input.bytes
        ? `has ${bytes.length} bytes, and ${input.bytes} were signed`
        : createHash('sha256').update(bytes).digest('hex') !== input.sha256
          ? 'has other bytes than were signed'
          : undefined
  if (fault) throw new RoostError('JOB_MALFORMED', `the input file ${JSON.stringify(input.name)} ${fault}`)
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
