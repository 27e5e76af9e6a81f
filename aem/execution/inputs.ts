import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RoostError } from '../../overlay/index.ts'
import { isSafeName } from '../disk/index.ts'
import type { InputFile, UnitOrder } from '../protocol/index.ts'

/** The bytes of an input file from where the job's controller keeps them. */
export type FetchInput = (order: UnitOrder, name: string, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>

/** How long all the inputs of one unit may take. Beyond it the unit does not start. */
export const INPUTS_TIMEOUT_MS = 10 * 60_000

/**
 * Puts the inputs of a unit into its sandbox, one after another. `UNIT_FAILED` where a name would leave the sandbox or the
 * bytes are not those that the user signed; the file then holds nothing that anybody may use.
 */
export async function fetchInputs(
  order: UnitOrder,
  sandbox: string,
  fetchInput: FetchInput,
  signal: AbortSignal,
): Promise<void> {
  for (const input of order.inputs) {
    if (!isSafeName(input.name)) throw refused(input, 'its name leads out of the sandbox')
    const file = join(sandbox, input.name)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeVerified(input, file, await fetchInput(order, input.name, signal))
  }
}

async function writeVerified(input: InputFile, file: string, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const hash = createHash('sha256')
  let bytesCount = 0
  // `wx`: two inputs of one name, or one below another, are an error and not the last one's win. Scripts may be inputs: 0700.
  const handle = await open(file, 'wx', 0o700)
  try {
    for await (const chunk of bytes) {
      bytesCount += chunk.length
      if (bytesCount > input.bytes)
        throw refused(input, `it is longer than the ${input.bytes} bytes that were submitted`)
      hash.update(chunk)
      await handle.writeFile(chunk)
    }
  } finally {
    await handle.close()
  }
  if (bytesCount < input.bytes) throw refused(input, `only ${bytesCount} of its ${input.bytes} bytes came`)
  if (hash.digest('hex') !== input.sha256) throw refused(input, 'its bytes are not those that were submitted')
}

function refused(input: InputFile, why: string): RoostError {
  return new RoostError('UNIT_FAILED', `input file ${JSON.stringify(input.name)}: ${why}`, {
    data: { name: input.name },
  })
}
