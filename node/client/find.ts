import type { Fetch } from '../../overlay/contract/index.ts'
import { errorFromRecord, RoostError } from '../../overlay/index.ts'
import type { FindLine, FindRequest } from '../surface/index.ts'
import { linesOf } from './lines.ts'

/** What a search says while it goes on: nodes as they answer, and at last the rest. */
export type FindNews = Exclude<FindLine, { type: 'error' }>

/** What may be left out of a request has its default at the daemon. */
export type FindQuery = Pick<FindRequest, 'where'> & Partial<FindRequest>

/**
 * Searches, and gives each node the moment it has answered; the last is of type `end`. Whoever stops reading, or aborts the signal,
 * ends the search at the daemon. A failure is thrown as a `RoostError`.
 */
export async function* findStream(
  fetch: Fetch,
  query: FindQuery,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<FindNews, void, void> {
  const response = await fetch('http://roost/find', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
    body: JSON.stringify(query),
    ...(options.signal && { signal: options.signal }),
  })
  for await (const text of linesOf(response.body)) {
    const line = JSON.parse(text) as FindLine
    if (line.type === 'error') throw errorFromRecord(line.error)
    yield line
    if (line.type === 'end') return
  }
  throw new RoostError('CONNECTION_LOST', 'the search broke off before its end', { hint: 'run it again' })
}
