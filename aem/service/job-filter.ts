import { isFinal, isLabelName, JOB_STATES, type JobState, type JobView } from '../protocol/index.ts'

/** Which jobs a list is to have; the lists are texts with commas. */
export interface JobFilter {
  readonly user?: string | undefined
  readonly state?: string | undefined
  readonly label?: string | undefined
  readonly sinceMs?: number | undefined
  readonly all: boolean
}

/** Whether a list has this job. Without `all` those that have ended are left out, unless a state is asked for. */
export function filterJobs({ user, state, label, sinceMs = 0, all }: JobFilter): (view: JobView) => boolean {
  const states = state === undefined ? undefined : new Set(state.split(','))
  const labels = label === undefined ? [] : (readLabelFilter(label) ?? [])
  return (view) =>
    (user === undefined || view.owner === user) &&
    (states === undefined ? all || !isFinal(view.state) : states.has(view.state)) &&
    view.submittedAtMs >= sinceMs &&
    labels.every(([name, value]) => view.description.labels[name] === value)
}

export function isState(text: string): text is JobState {
  return (JOB_STATES as readonly string[]).includes(text)
}

/** `team=render,stage=2%2C3` as names and values; undefined where it is no such text. */
export function readLabelFilter(text: string): [name: string, value: string][] | undefined {
  try {
    const pairs = text.split(',').map((pair): [string, string] => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, Math.max(0, equals)), decodeURIComponent(pair.slice(equals + 1))]
    })
    return pairs.every(([name]) => isLabelName(name)) ? pairs : undefined
  } catch {
    // No percent-encoding.
    return undefined
  }
}
