import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { READ_ACTION } from '../protocol/index.ts'

/** How long a signature is used again: well below the five minutes that nodes take it for. */
const SIGNED_MS = 180_000

interface Signed {
  readonly headers: Promise<Readonly<Record<string, string>>>
  readonly atMs: number
}

/** For each command that runs, by job: as many as it names. */
const signatures = new WeakMap<CommandContext['sign'], Map<string, Signed>>()

/**
 * The headers with which the user may read what is a job's owner's alone, signed once in a while. None where the user is no member of the
 * grid, and so owns nothing there.
 */
export function readingHeaders(context: CommandContext, id: string): Promise<Readonly<Record<string, string>>> {
  const signed = signatures.get(context.sign) ?? new Map<string, Signed>()
  signatures.set(context.sign, signed)
  const nowMs = performance.now()
  const before = signed.get(id)
  if (before !== undefined && nowMs - before.atMs < SIGNED_MS) return before.headers
  const headers = sign(context, id)
  signed.set(id, { headers, atMs: nowMs })
  // What failed once may do better the next time.
  headers.catch(() => signed.delete(id))
  return headers
}

async function sign(context: CommandContext, id: string): Promise<Readonly<Record<string, string>>> {
  try {
    const [{ encodeStatement }, statement] = await Promise.all([
      import('./statement.ts'),
      context.sign(READ_ACTION, { jobId: id }),
    ])
    return { 'roost-statement': Buffer.from(encodeStatement(statement)).toString('base64') }
  } catch (thrown) {
    if (thrown instanceof RoostError && thrown.code === 'NOT_MEMBER') return {}
    throw thrown
  }
}
