import type { DoctorReply } from '../surface/index.ts'
import type { Network } from '../net/index.ts'

/** Reasons that are told by name, those with the highest counts; `/metrics` has all. */
const REASONS_TOLD_COUNT_MAX = 4

/** What else of peers is refused or given up, by its counter. */
const OTHERS: Readonly<Record<string, string>> = {
  gate_refused_streams: 'streams of who is no member',
  gate_excess_streams: 'streams beyond the bound',
  grid_stalled_streams: 'streams that nobody read',
  grid_dropped_answers: 'answers that nobody read',
  http_stalled_sockets: 'HTTP answers that nobody read',
  http_late_requests: 'HTTP requests that did not arrive',
}

/** What this node has refused since it started, for people: an honest grid has little of it. Who does much is cut off, and told of apart. */
export function checkRefusals({ network }: { readonly network: Network }): DoctorReply['checks'][number] {
  const metrics = network.metrics()
  const refused = Object.entries(metrics)
    .flatMap(([name, count]) => {
      const words = /^refused_(.+)_messages$/.exec(name)?.[1] ?? OTHERS[name]
      return words === undefined || count === 0 ? [] : [{ words: words.replaceAll('_', ' '), count }]
    })
    .toSorted((one, other) => other.count - one.count)
  const told = refused.slice(0, REASONS_TOLD_COUNT_MAX).map(({ words, count }) => `${words} ${count}`)
  const more = refused.length > told.length ? ` and ${refused.length - told.length} more` : ''
  const detail = refused.length === 0 ? 'nothing that peers sent' : `${told.join(', ')}${more}`
  return { name: 'refused', state: 'ok', detail }
}
