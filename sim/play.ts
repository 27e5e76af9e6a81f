import { Simulation } from './engine/index.ts'
import type { Figures, Scenario } from './scenario/index.ts'

export interface PlayOptions {
  readonly nodesCount: number
  readonly seed: number
  /** Messages are measured, frozen and parsed on their way: slower, and finds who breaks the rules. */
  readonly strict: boolean
  progress(text: string): void
}

/** One run of a scenario, as `--json` prints it. The figures of the scenario stand under its name. */
export interface Report {
  readonly scenario: string
  readonly seed: number
  readonly nodes: number
  readonly replay: string
  /** What it took this machine. */
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
  /** Virtual time that went by, and events in it. */
  readonly virtualMs: number
  readonly events: number
  readonly traceHash: string
  readonly figures: Figures
}

/** Plays a scenario once. Rejects with `SIMULATION_VIOLATION` where a promise was broken. */
export async function play(scenario: Scenario, { nodesCount, seed, strict, progress }: PlayOptions): Promise<Report> {
  const replay = replayLine(scenario.name, { nodesCount, seed, strict })
  const simulation = new Simulation({ seed, replay, passage: strict ? 'strict' : 'plain' })
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const figures = await scenario.play({ simulation, nodesCount, progress })
  const cpu = process.cpuUsage(cpuBefore)
  return {
    scenario: scenario.name,
    seed,
    nodes: nodesCount,
    replay,
    wallMs: Math.round(performance.now() - startedMs),
    cpuMs: Math.round((cpu.user + cpu.system) / 1_000),
    peakRssBytes: process.resourceUsage().maxRSS * RSS_UNIT_BYTES,
    virtualMs: simulation.nowMs,
    events: simulation.counts.events,
    traceHash: simulation.traceHash,
    figures,
  }
}

/** The command line that runs the same again. */
export function replayLine(name: string, options: Omit<PlayOptions, 'progress'>): string {
  const { nodesCount, seed, strict } = options
  return `roost sim run ${name} --nodes ${nodesCount} --seed ${seed}${strict ? ' --strict' : ''}`
}

/** `getrusage` counts the peak in KiB. */
const RSS_UNIT_BYTES = 1_024
