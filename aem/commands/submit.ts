import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { JOB_TEXT_BYTES_MAX, jobTextTooLong, parseJobText } from '../description/index.ts'
import { inputsOf, submitDescription, unreadable } from './submission.ts'

/** `roost submit FILE|-`: prints the job's id. Input files are looked for beside the job file. */
export async function submit(context: CommandContext, file: string): Promise<void> {
  const isStdin = file === '-'
  const text = isStdin ? await readBounded(process.stdin, 'standard input') : await readJobFile(file)
  const { raw, description } = parseJobText(text, isStdin ? 'standard input' : file)
  const directory = isStdin ? process.cwd() : dirname(resolve(file))
  const id = await submitDescription(context, { raw, inputs: inputsOf(description, directory) })
  context.output.document({ id })
  context.output.line(id)
}

async function readJobFile(file: string): Promise<string> {
  const handle = await open(file).catch(unreadable(file))
  try {
    return await readBounded(handle.createReadStream({ autoClose: false }), file)
  } catch (thrown) {
    if (thrown instanceof RoostError) throw thrown
    return unreadable(file)(thrown as NodeJS.ErrnoException)
  } finally {
    await handle.close()
  }
}

/** Reads no further than to know that it is too long. */
async function readBounded(chunks: AsyncIterable<Uint8Array>, file: string): Promise<string> {
  const parts: Uint8Array[] = []
  let bytesCount = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    bytesCount += chunk.length
    if (bytesCount > JOB_TEXT_BYTES_MAX) throw jobTextTooLong(file)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch (cause) {
    throw new RoostError('JOB_MALFORMED', `${file}: a job file is text in UTF-8`, { cause, file })
  }
}
