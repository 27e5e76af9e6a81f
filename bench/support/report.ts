import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, totalmem } from 'node:os'

/** What every bench prints: its question, what it ran with and where, then rows that each stand beside a baseline. */

/** Whether the bench shall run briefly, as CI does so that it does not rot. */
export const quick = process.argv.includes('--quick')

export function header(question: string, parameters: Readonly<Record<string, string | number>>): void {
  console.log(question)
  console.log(line({ ...parameters, quick: String(quick) }))
  const memoryGib = Math.round(totalmem() / 2 ** 30)
  console.log(
    line({
      node: process.version,
      cpus: availableParallelism(),
      model: cpus()[0]?.model.trim() ?? 'unknown',
      memoryGib,
      commit: commit(),
    }),
  )
}

/** One measured thing, its unit, the ratio to the baseline where there is one, and the 99th percentile where there are samples for it. */
export function row(name: string, samples: readonly number[], unit: string, baselineMedian?: number): void {
  const { median, p95, p99 } = summary(samples)
  const tail = samples.length < 100 ? '' : `  p99 ${format(p99).padStart(9)} ${unit}`
  const ratio = baselineMedian === undefined ? '' : `  ratio ${format(median / baselineMedian)}`
  console.log(
    `  ${name.padEnd(44)} median ${format(median).padStart(9)} ${unit}  p95 ${format(p95).padStart(9)} ${unit}${tail}${ratio}`,
  )
}

export interface Summary {
  readonly median: number
  readonly p95: number
  readonly p99: number
}

/** Median, 95th and 99th percentile by nearest rank; there must be a sample. */
export function summary(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
  return { median: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** How long an action takes, in milliseconds. */
export async function timeMs(action: () => unknown): Promise<number> {
  const startMs = performance.now()
  await action()
  return performance.now() - startMs
}

function format(value: number): string {
  if (value >= 1000) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(3)
}

function line(fields: Readonly<Record<string, string | number>>): string {
  return `  ${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}`
}

/** The commit that was measured. */
export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}
