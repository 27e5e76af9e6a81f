import { asRoostError } from '../../overlay/index.ts'
import type { Core } from './core-routes.ts'
import type { FindLine, FindRequest } from './core-schemas.ts'

/** Lines of JSON, each a value (NDJSON). */
export const JSON_LINES = 'application/x-ndjson'

/**
 * A search as lines of JSON: each node the moment it has answered. Resolves with the first, so that what is wrong with the query is an
 * answer of its own; what goes wrong later is the last line. A reader that goes away, or `signal`, ends the search. What a slow reader
 * has not read yet waits here: no more than the search itself keeps.
 */
export async function findLines(
  core: Core,
  request: FindRequest,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const gone = new AbortController()
  const begun = Promise.withResolvers<void>()
  const encoder = new TextEncoder()
  let sink!: ReadableStreamDefaultController<Uint8Array>
  const lines = new ReadableStream<Uint8Array>({
    start: (controller) => void (sink = controller),
    cancel: () => gone.abort(),
  })
  const write = (line: FindLine): void => {
    if (gone.signal.aborted) return
    sink.enqueue(encoder.encode(`${JSON.stringify(line)}\n`))
    begun.resolve()
  }
  const close = (last: FindLine): void => {
    write(last)
    if (!gone.signal.aborted) sink.close()
  }
  let isBegun = false
  core
    .find(request, AbortSignal.any([signal, gone.signal]), (node) => {
      isBegun = true
      write({ type: 'node', ...node })
    })
    .then(
      ({ rejected, explanation }) => close({ type: 'end', rejected, explanation }),
      (thrown: unknown) => {
        if (isBegun) close({ type: 'error', error: errorRecord(thrown) })
        else begun.reject(thrown)
      },
    )
  await begun.promise
  return lines
}

function errorRecord(thrown: unknown): Extract<FindLine, { type: 'error' }>['error'] {
  const { data, ...record } = asRoostError(thrown).toJSON()
  return { ...record, ...(data && { data: { ...data } }) }
}
