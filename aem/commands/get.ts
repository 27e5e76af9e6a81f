import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { diskError, isSafeName } from '../disk/index.ts'
import type { OutputFiles } from '../service/index.ts'
import { ask, findJob } from './daemon.ts'
import { readingHeaders } from './reading.ts'

interface GetOptions {
  readonly unit?: number
  readonly to: string
  readonly force?: true
}

/**
 * `roost get JOB [NAME...]`: output files into a directory; with several units each into a directory named by its index.
 * A file that is there already is not written over.
 */
export async function get(
  context: CommandContext,
  name: string,
  names: readonly string[],
  options: GetOptions,
): Promise<void> {
  if (Number.isNaN(options.unit)) throw new RoostError('USAGE', '--unit is a whole number')
  const job = await findJob(context, name)
  const headers = await readingHeaders(context, job.id)
  const isSeveral = job.units.length > 1 && options.unit === undefined
  const fetched: { unit: number; name: string; bytes: number; path: string }[] = []
  const wanted = new Set(names)
  for (const { index } of job.units) {
    if (options.unit !== undefined && options.unit !== index) continue
    const unitPath = `/jobs/${job.id}/units/${index}/files`
    const { files, isWhole } = await ask<OutputFiles>(context, unitPath, { headers })
    if (!isWhole)
      context.output.progress(`unit ${index} has more files than can be listed: name those that are missing`)
    const directory = isSeveral ? join(options.to, String(index)) : options.to
    for (const file of files) {
      if (names.length > 0 && !names.includes(file.name)) continue
      wanted.delete(file.name)
      const path = await fetchFile(context, `${unitPath}/${encodeURIComponent(file.name)}`, {
        directory,
        name: file.name,
        options,
        headers,
      })
      context.output.line(path)
      fetched.push({ unit: index, ...file, path })
    }
  }
  const [missing] = wanted
  if (missing !== undefined)
    throw new RoostError('RECORD_NOT_FOUND', `no unit has an output file ${JSON.stringify(missing)}`, {
      hint: 'only files that `stage: { out: [...] }` of the job names can be fetched',
    })
  if (fetched.length === 0) context.output.progress('the job has no output files')
  context.output.document({ files: fetched })
}

interface FetchOptions {
  readonly directory: string
  readonly name: string
  readonly options: GetOptions
  readonly headers: Readonly<Record<string, string>>
}

async function fetchFile(
  context: CommandContext,
  source: string,
  { directory, name, options, headers }: FetchOptions,
): Promise<string> {
  // The name comes from another machine.
  if (!isSafeName(name)) throw new RoostError('MESSAGE_MALFORMED', `${JSON.stringify(name)} is no name for a file`)
  const path = join(directory, name)
  const response = await context.fetch(`http://roost/aem${source}`, { headers })
  let isMade = false
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = createWriteStream(path, { flags: options.force ? 'w' : 'wx' }).once('open', () => (isMade = true))
    await pipeline(Readable.fromWeb(response.body as WebStream), file)
    return path
  } catch (thrown) {
    // Half a file looks like a whole one.
    if (isMade) await rm(path, { force: true })
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST')
      throw new RoostError('CONFLICT', `${path} is there already`, { cause: thrown, hint: '--force writes over it' })
    throw diskError(thrown, `${path} could not be written`, 'DIRECTORY_UNWRITABLE')
  }
}
