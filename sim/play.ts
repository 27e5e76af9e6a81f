import { type Codec, Simulation } from './engine/index.ts'
import { drawsFor } from './population/index.ts'
import type { Scenario, Sections } from './scenario/index.ts'
import { type GivenSettings, readSettings, SETTING_NAMES, settingsInForce } from './settings.ts'

export interface PlayOptions {
  readonly nodesCount: number
  readonly seed: number
  /** How messages cross: as they are; measured, frozen and parsed, which finds who breaks the rules; or through a codec. */
  readonly passage: 'plain' | 'strict' | Codec
  /** Settings as they stand on the command line; the scenario's defaults hold for the rest. */
  readonly given: GivenSettings
  progress(text: string): void
}

/** One run of a scenario, as `--json` prints it, but for the sections, which stand there by their names. */
export interface Report {
  readonly scenario: string
  readonly seed: number
  readonly nodes: number
  /** Cycles that it was looked at, where the scenario counts them. */
  readonly cycles?: number
  /** Everything that can be set, as it was. */
  readonly settings: GivenSettings
  readonly replay: string
  /** What it took this machine. */
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
  /** Virtual time that went by, and events in it. */
  readonly virtualMs: number
  readonly events: number
  readonly traceHash: string
  readonly sections: Sections
}

/** Plays a scenario once. Rejects with `USAGE` where it cannot be set so, with `SIMULATION_VIOLATION` where a promise was broken. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<Report> {
  const { nodesCount, seed, passage, given, progress } = options
  const replay = replayLine(scenario.name, options)
  const { settings, network } = readSettings(scenario, given, { seed, nodesCount })
  progress(`replay: ${replay}`)
  const simulation = new Simulation({ seed, replay, passage, ...network })
  const startedMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const samples = drawsFor(seed, 'story')
  const sections = await scenario.play({ simulation, nodesCount, settings, samples, progress })
  const cpu = process.cpuUsage(cpuBefore)
  return {
    scenario: scenario.name,
    seed,
    nodes: nodesCount,
    ...(settings.cycles !== undefined && { cycles: settings.cycles }),
    settings: settingsInForce(scenario, given),
    replay,
    wallMs: Math.round(performance.now() - startedMs),
    cpuMs: Math.round((cpu.user + cpu.system) / 1_000),
    peakRssBytes: process.resourceUsage().maxRSS * RSS_UNIT_BYTES,
    virtualMs: simulation.nowMs,
    events: simulation.counts.events,
    traceHash: simulation.traceHash,
    sections,
  }
}

/** The command line that runs the same again. */
export function replayLine(name: string, { nodesCount, seed, passage, given }: Omit<PlayOptions, 'progress'>): string {
  const set = SETTING_NAMES.filter((setting) => given[setting] !== undefined).map(
    (setting) => ` --${setting} ${shellWord(given[setting]!)}`,
  )
  const how = passage === 'plain' ? '' : passage === 'strict' ? ' --strict' : ' --codec'
  return `roost sim run ${name} --nodes ${nodesCount} --seed ${seed}${set.join('')}${how}`
}

/** A word as a shell takes it for one. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./#-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** `getrusage` counts the peak in KiB. */
const RSS_UNIT_BYTES = 1_024
