import { isFinal } from '../events.ts'
import type { JobView } from '../job-view.ts'
import { utcText } from '../utc.ts'
import { countText, listText } from './words.ts'

/** Nodes that a sentence names. */
const NODES_NAMED_MAX = 4

/**
 * In one sentence what has become of a job that does not wait for nodes: where it runs and since when, or how it ended. Undefined of one
 * that waits.
 */
export function standingOf(view: JobView, nameOf: (node: string) => string): string | undefined {
  const nodes = [...new Set(view.units.flatMap(({ node }) => (node === undefined ? [] : [node])))]
  const shown = nodes.slice(0, NODES_NAMED_MAX).map(nameOf)
  const rest = nodes.length - shown.length
  const where = nodes.length === 0 ? '' : ` on ${listText(rest > 0 ? [...shown, countText(rest, 'other')] : shown)}`
  const began = view.startedAtMs === undefined ? '' : ` since ${utcText(view.startedAtMs)}`
  if (isFinal(view.state))
    return `it has ended${where}: ${view.state} at ${utcText(view.endedAtMs ?? view.submittedAtMs)}, exit status ${view.exitCode ?? 0}: ${view.reason}`
  if (view.cancelling !== undefined) return `it is being cancelled: ${view.cancelling.reason}`
  if (view.placement === 'matched') return `it is about to start${where}: ${view.reason}`
  if (view.placement === 'placed')
    return view.startedAtMs === undefined
      ? `it starts${where}: ${view.reason}`
      : `it runs${where}${began}: ${view.reason}`
  if (view.state !== 'submitted' && view.state !== 'queued') return `it is ${view.state}: ${view.reason}`
  return undefined
}
