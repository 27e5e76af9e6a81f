import type { ErrorCode } from '../../overlay/index.ts'
import type { TunnelLine } from './application-schemas.ts'

/** What became of a connection to a port that leads into a tunnel. */
export type TunnelNews =
  | { readonly type: 'connected'; readonly node: string; readonly instance: string }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }

/** Opens a port that leads to an application until `signal` says otherwise; rejects with a `RoostError`. */
export type OpenTunnel = (
  name: string,
  options: {
    readonly port: number
    readonly owner?: string
    readonly signal: AbortSignal
    readonly onNews: (news: TunnelNews) => void
  },
) => Promise<{ readonly port: number }>

/** Lines that wait for a slow reader; beyond it connections go on without being told of. */
const UNREAD_LINES_COUNT_MAX = 1_000

/**
 * A tunnel as lines of JSON: first the port, then each connection. The tunnel lives as long as somebody reads, or until `signal`, so
 * that none is left behind by a command that was killed.
 */
export async function tunnelLines(
  open: OpenTunnel,
  name: string,
  { port, owner, signal }: { readonly port: number; readonly owner?: string; readonly signal: AbortSignal },
): Promise<ReadableStream<Uint8Array>> {
  const gone = new AbortController()
  const encoder = new TextEncoder()
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined
  const write = (line: TunnelLine): void => {
    if (sink === undefined || gone.signal.aborted || (sink.desiredSize ?? 0) < -UNREAD_LINES_COUNT_MAX) return
    sink.enqueue(encoder.encode(`${JSON.stringify(line)}\n`))
  }
  const end = AbortSignal.any([gone.signal, signal])
  const opened = await open(name, { port, ...(owner !== undefined && { owner }), signal: end, onNews: write })
  return new ReadableStream<Uint8Array>({
    start(controller) {
      sink = controller
      write({ type: 'listening', port: opened.port })
    },
    cancel: () => gone.abort(),
  })
}
