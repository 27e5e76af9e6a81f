import { open } from 'node:fs/promises'
import { RoostError } from '../../overlay/index.ts'
import { JOB_TEXT_BYTES_MAX, jobTextTooLong, parseJobText, type JobText } from '../description/index.ts'
import { unreadable } from './submission.ts'

/** Reads a job file; `-` is standard input. */
export async function readJob(file: string): Promise<JobText> {
  const isStdin = file === '-'
  const text = isStdin ? await readBounded(process.stdin, 'standard input') : await readJobFile(file)
  return parseJobText(text, isStdin ? 'standard input' : file)
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
