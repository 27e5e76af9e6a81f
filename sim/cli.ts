import { randomBytes } from 'node:crypto'
import { accessSync, constants, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command, CommanderError } from 'commander'
import { asRoostError, EXIT, RoostError } from '../overlay/error/index.ts'
import type { Codec } from './engine/index.ts'
import { play } from './play.ts'
import { documentOf, linesOf } from './report/index.ts'
import { SCENARIOS, type SettingName } from './scenario/index.ts'
import { findScenario, type GivenSettings, readCount, SETTING_NAMES, SETTINGS } from './settings.ts'

/** What the simulator is given, since it may not take it itself. */
export interface SimCommandHost {
  /** The daemon's codec, for `--codec`. */
  readonly loadCodec?: () => Promise<Codec>
}

/**
 * `roost sim ...`: `run SCENARIO` plays one and prints what came out of it, `list` names them. The result goes to stdout, the
 * way there to stderr. Returns the exit status: 1 where a promise was broken, 2 where the command line, or a file that it names,
 * cannot be meant. Ctrl-c ends the process with 130.
 */
export async function runSimCommand(args: readonly string[], host: SimCommandHost = {}): Promise<number> {
  const program = new Command('roost sim')
    .description('run the protocols of roost on virtual time, under failures, as a pure function of a seed')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  addRun(program, host)
  program.command('list').description('name the scenarios').option('--json', 'as JSON', false).action(listScenarios)
  process.once('SIGINT', endInterrupted)
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.ok
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT.usage
    return tell(
      thrown instanceof CommanderError ? usage(thrown.message) : asRoostError(thrown),
      args.includes('--json'),
    )
  } finally {
    process.off('SIGINT', endInterrupted)
  }
}

function addRun(program: Command, host: SimCommandHost): void {
  const run = program
    .command('run')
    .argument('<scenario>', `one of ${[...SCENARIOS.keys()].join(', ')}`)
    .description('play a scenario; `roost sim list --json` has what each can be told, and its defaults')
    .option('--nodes <count>', 'how many nodes; each scenario has its default')
    .option('--seed <number>', 'what everything follows from; without it a fresh one is drawn and printed')
  for (const name of SETTING_NAMES) run.option(`--${name} <${SETTINGS[name].value}>`, SETTINGS[name].help)
  run
    .option('--strict', 'measure, freeze and parse every message on its way', false)
    .option('--codec', 'send every message as the bytes that daemons send', false)
    .option('--json', 'one JSON document instead of lines', false)
    .option('--report <file>', 'write a page with plots, FILE.html')
    .action((name: string, flags: RunFlags) => runScenario(name, flags, host))
}

interface RunFlags extends GivenSettings {
  readonly nodes?: string
  readonly seed?: string
  readonly strict: boolean
  readonly codec: boolean
  readonly json: boolean
  readonly report?: string
}

async function runScenario(name: string, flags: RunFlags, host: SimCommandHost): Promise<void> {
  const scenario = findScenario(SCENARIOS, name)
  const nodesCount =
    flags.nodes === undefined ? scenario.nodes.default : readCount('--nodes', flags.nodes, scenario.nodes)
  const seed =
    flags.seed === undefined ? freshSeed() : readCount('--seed', flags.seed, { min: 0, max: Number.MAX_SAFE_INTEGER })
  const passage = await choosePassage(flags, host)
  if (flags.report !== undefined) refuseUnwritable(flags.report)
  const report = await play(scenario, { nodesCount, seed, passage, given: givenIn(flags), progress })
  if (flags.report !== undefined) {
    // Plots are drawn by a library that a run without a page need not load.
    const { pageOf } = await import('./report/page.ts')
    writeFileSync(flags.report, pageOf(report, scenario))
    progress(`wrote ${flags.report}`)
  }
  process.stdout.write(flags.json ? `${JSON.stringify(documentOf(report))}\n` : linesOf(report, scenario))
}

function listScenarios({ json }: { readonly json: boolean }): void {
  const scenarios = [...SCENARIOS.values()].map(({ name, summary, nodes, settings }) => ({
    name,
    summary,
    nodes: nodes.default,
    nodesMin: nodes.min,
    nodesMax: nodes.max,
    settings,
  }))
  if (json) process.stdout.write(`${JSON.stringify({ scenarios })}\n`)
  else for (const { name, summary } of scenarios) process.stdout.write(`${name.padEnd(NAME_CHARS)}${summary}\n`)
}
const NAME_CHARS = 14

function givenIn(flags: RunFlags): GivenSettings {
  const given: Partial<Record<SettingName, string>> = {}
  for (const name of SETTING_NAMES) if (flags[name] !== undefined) given[name] = flags[name]
  return given
}

async function choosePassage(flags: RunFlags, host: SimCommandHost): Promise<'plain' | 'strict' | Codec> {
  if (flags.strict && flags.codec) throw usage('--codec does all that --strict does: give one of them')
  if (!flags.codec) return flags.strict ? 'strict' : 'plain'
  if (host.loadCodec === undefined) throw usage('--codec: there is no codec here')
  return await host.loadCodec()
}

/** Found before the run rather than after it. */
function refuseUnwritable(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK)
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new Error('it is no file')
  } catch (cause) {
    throw new RoostError('USAGE', `--report: cannot write ${file}`, {
      cause,
      hint: 'name a file in a directory of yours',
    })
  }
}

function usage(message: string): RoostError {
  return new RoostError('USAGE', message.replace(/^error: /, ''), { hint: 'see `roost sim help run`' })
}

function freshSeed(): number {
  return randomBytes(4).readUInt32LE()
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

function tell(error: RoostError, json: boolean): number {
  process.stderr.write(json ? `${JSON.stringify(error)}\n` : `roost: ${error.message} (${error.code})\n${error.hint}\n`)
  return error.exitCode
}

function endInterrupted(): void {
  process.stderr.write('interrupted\n')
  process.exit(EXIT.interrupted)
}
