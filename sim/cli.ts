import { randomBytes } from 'node:crypto'
import { Command, CommanderError } from 'commander'
import { asRoostError, EXIT, RoostError } from '../overlay/error/index.ts'
import { play, replayLine, type Report } from './play.ts'
import { SCENARIOS, type Scenario } from './scenario/index.ts'

/**
 * `roost sim ...`: `run SCENARIO` plays one and prints what came out of it, `list` names them. The result goes to stdout, the
 * way there to stderr. Returns the exit status: 1 where a promise was broken, 2 where the command line cannot be meant.
 */
export async function runSimCommand(args: readonly string[]): Promise<number> {
  const program = new Command('roost sim')
    .description('run the protocols of roost on virtual time, under failures, as a pure function of a seed')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  program
    .command('run')
    .argument('<scenario>', `one of ${[...SCENARIOS.keys()].join(', ')}`)
    .description('play a scenario')
    .option('--nodes <count>', 'how many nodes; each scenario has its default')
    .option('--seed <number>', 'what everything follows from; without it a fresh one is drawn and printed')
    .option('--strict', 'measure, freeze and parse every message on its way', false)
    .option('--json', 'one JSON document instead of lines', false)
    .action(runScenario)
  program.command('list').description('name the scenarios').option('--json', 'as JSON', false).action(listScenarios)
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
  }
}

interface RunFlags {
  readonly nodes?: string
  readonly seed?: string
  readonly strict: boolean
  readonly json: boolean
}

async function runScenario(name: string, flags: RunFlags): Promise<void> {
  const scenario = SCENARIOS.get(name)
  if (scenario === undefined)
    throw new RoostError('USAGE', `there is no scenario "${name}"`, {
      hint: `there are ${[...SCENARIOS.keys()].join(', ')}`,
    })
  const nodesCount = readCount('--nodes', flags.nodes, scenario.nodes)
  const seed = readCount('--seed', flags.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, default: freshSeed() })
  const { strict } = flags
  progress(`replay: ${replayLine(name, { nodesCount, seed, strict })}`)
  const report = await play(scenario, { nodesCount, seed, strict, progress })
  process.stdout.write(flags.json ? `${JSON.stringify(documentOf(report))}\n` : linesOf(scenario, report))
}

function listScenarios({ json }: { readonly json: boolean }): void {
  const scenarios = [...SCENARIOS.values()].map(({ name, summary, nodes }) => ({ name, summary, nodes: nodes.default }))
  if (json) process.stdout.write(`${JSON.stringify({ scenarios })}\n`)
  else for (const { name, summary } of scenarios) process.stdout.write(`${name.padEnd(NAME_CHARS)}${summary}\n`)
}

function readCount(
  flag: string,
  text: string | undefined,
  { min, max, default: fallback }: { readonly min: number; readonly max: number; readonly default: number },
): number {
  if (text === undefined) return fallback
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw usage(`${flag}: "${text}" is not a whole number from ${min} to ${max}`)
  return value
}

function usage(message: string): RoostError {
  return new RoostError('USAGE', message.replace(/^error: /, ''), { hint: 'see `roost sim help run`' })
}

function freshSeed(): number {
  return randomBytes(4).readUInt32LE()
}

function documentOf({ scenario, figures, ...report }: Report): object {
  return { scenario, ...report, [scenario]: figures }
}

function linesOf({ summary }: Scenario, { figures, ...report }: Report): string {
  const fields = Object.entries({ ...report, ...figures })
  return `${summary}\n${fields.map(([name, value]) => `  ${name.padEnd(NAME_CHARS)}${shown(value)}\n`).join('')}`
}
const NAME_CHARS = 26

function shown(value: number | string | readonly number[]): string {
  if (typeof value === 'number') return String(Math.round(value * 1_000) / 1_000)
  return typeof value === 'string' ? value : value.join(' ')
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

function tell(error: RoostError, json: boolean): number {
  process.stderr.write(json ? `${JSON.stringify(error)}\n` : `roost: ${error.message} (${error.code})\n${error.hint}\n`)
  return error.exitCode
}
