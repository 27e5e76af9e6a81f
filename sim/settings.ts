import { nearest, RoostError } from '../overlay/error/index.ts'
import { SAMPLING_ATTACKS, type AttackName } from './adversary/index.ts'
import { readChurn } from './churn/index.ts'
import { type Latency, parseLatency } from './engine/index.ts'
import { readInput, readPopulation } from './population/index.ts'
import { generateQuestions, readQuestions, readWant, type Question } from './queries/index.ts'
import type { Scenario, SettingName, Settings } from './scenario/index.ts'

/** What `roost sim run` can be told of a story, for its help. */
export const SETTINGS: Readonly<Record<SettingName, { readonly value: string; readonly help: string }>> = {
  cycles: { value: 'count', help: 'how long it is looked at, in cycles of sampling (5 s)' },
  churn: {
    value: 'how',
    help: 'nodes come and go: SHARE a cycle, a SYSTEM that was measured, a FILE of fits or sessions',
  },
  kill: { value: 'share@cycle', help: 'a share of the nodes dies at once' },
  population: { value: 'machines', help: 'synthetic, uniform:D, or a FILE.csv of machines' },
  queries: { value: 'which', help: 'a COUNT to be made up, or a FILE.jsonl' },
  constrain: { value: 'count', help: 'attributes that a query that is made up constrains' },
  share: { value: 'share', help: 'share of the nodes that match one' },
  want: { value: 'count', help: 'nodes that a query wants, or all' },
  attackers: { value: 'share[:attack]', help: `share of the nodes that lie, and how: ${SAMPLING_ATTACKS.join(', ')}` },
  latency: { value: 'model', help: 'constant:MS, uniform:MIN-MAX, or coordinates:MEAN of nodes with places' },
  loss: { value: 'share', help: 'share of the messages that never arrive' },
}

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[]

/** Settings as they were given, by name. */
export type GivenSettings = Readonly<Partial<Record<SettingName, string>>>

/** All that a run is told, read and found possible. */
export interface ReadSettings {
  readonly settings: Settings
  readonly network: { readonly latency?: Latency; readonly lossShare?: number }
}

/**
 * Reads what was given, and the scenario's defaults for the rest. `USAGE` where a value is impossible, a file malformed (with its
 * line), or a setting means nothing to the scenario or beside another.
 */
export function readSettings(
  scenario: Scenario,
  given: GivenSettings,
  { seed, nodesCount }: { readonly seed: number; readonly nodesCount: number },
): ReadSettings {
  for (const name of SETTING_NAMES) if (given[name] !== undefined) refuseUnused(scenario, name)
  const textOf = (name: SettingName): string | undefined => given[name] ?? (scenario.settings[name] || undefined)
  const read = <Value>(name: SettingName, parse: (text: string) => Value): Value | undefined => {
    const text = textOf(name)
    return text === undefined ? undefined : parse(text)
  }
  const cycles = read('cycles', (text) => readCount('--cycles', text, { min: 1, max: CYCLE_COUNT_MAX }))
  const population = read('population', (text) => readPopulation(text, seed))
  const settings = {
    cycles,
    churn: read('churn', readChurn),
    kill: read('kill', (text) => readKill(text, cycles ?? CYCLE_COUNT_MAX)),
    population,
    questions: read('queries', (text): readonly Question[] => {
      const want = readNamed('--want', () => readWant(textOf('want')))
      if (isFile(text)) {
        for (const name of OF_MADE_UP_QUERIES)
          if (given[name] !== undefined)
            throw usage(`--${name} shapes queries that are made up, and --queries names a file of them`)
        const questions = readQuestions(readInput('--queries', text), text, want)
        return Array.from({ length: Math.ceil(FILE_QUESTION_COUNT / questions.length) }, () => questions).flat()
      }
      return generateQuestions({
        population: population!,
        nodesCount,
        seed,
        want,
        queriesCount: readCount('--queries', text, { min: 1, max: QUERY_COUNT_MAX }),
        constrainCount: readCount('--constrain', textOf('constrain')!, {
          min: 0,
          max: population!.attributeNames.length,
        }),
        share: readShare('--share', textOf('share')!, { isZeroAllowed: false }),
      })
    }),
    attackers: read('attackers', readAttackers),
  }
  const network = {
    latency: read('latency', (text) => readNamed('--latency', () => parseLatency(text))),
    lossShare: read('loss', (text) => readShare('--loss', text, { max: LOSS_SHARE_MAX })),
  }
  return { settings: withoutUndefined(settings), network: withoutUndefined(network) }
}

/** What was given and the defaults of the rest, as they stand on a command line, without what means nothing beside the others. */
export function settingsInForce(scenario: Scenario, given: GivenSettings): GivenSettings {
  const all = { ...scenario.settings, ...given }
  const names = SETTING_NAMES.filter((name) => all[name] !== undefined && all[name] !== '')
  const isMadeUp = all.queries === undefined || !isFile(all.queries)
  const inForce = names.filter((name) => isMadeUp || !OF_MADE_UP_QUERIES.includes(name))
  return Object.fromEntries(inForce.map((name) => [name, all[name]!]))
}

/** What is set of queries that are made up, and means nothing for those of a file. */
const OF_MADE_UP_QUERIES: readonly SettingName[] = ['constrain', 'share']

/** A number is a count, though perhaps an impossible one. */
function isFile(queries: string): boolean {
  return Number.isNaN(Number(queries))
}

/** Above a year of virtual time. */
const CYCLE_COUNT_MAX = 10_000_000
const QUERY_COUNT_MAX = 100_000
/** Queries of a file are asked over again, by other nodes, until there are so many: a few answers are no figure. */
const FILE_QUESTION_COUNT = 200
/** Where attackers are the most, who is honest is a matter of opinion. */
const ATTACKERS_SHARE_MAX = 0.5
const LOSS_SHARE_MAX = 0.9

/** A whole number within its bounds. `USAGE` where the text is none. */
export function readCount(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw usage(`${flag}: "${text}" is not a whole number from ${min} to ${max}`)
  return value
}

function readShare(
  flag: string,
  text: string,
  { max = 1, isZeroAllowed = true }: { readonly max?: number; readonly isZeroAllowed?: boolean } = {},
): number {
  const value = /^(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN
  if (!(value >= 0 && value <= max) || (value === 0 && !isZeroAllowed))
    throw usage(
      `${flag}: "${text}" is not a share ${isZeroAllowed ? 'from' : 'above'} 0 ${isZeroAllowed ? 'to' : 'and at most'} ${max}`,
    )
  return value
}

function readKill(text: string, cycles: number): { readonly share: number; readonly cycle: number } {
  const [share, cycle, ...rest] = text.split('@')
  if (cycle === undefined || rest.length > 0) throw usage(`--kill: "${text}" is not SHARE@CYCLE, such as 0.5@10`)
  const kill = {
    share: readShare('--kill', share!, { max: KILL_SHARE_MAX, isZeroAllowed: false }),
    cycle: readCount('--kill', cycle, { min: 1, max: CYCLE_COUNT_MAX }),
  }
  if (kill.cycle > cycles) throw usage(`--kill: cycle ${cycle} of ${text} lies after the last, which is ${cycles}`)
  return kill
}

function readAttackers(text: string): { readonly share: number; readonly attack: AttackName } {
  const [share, name, ...rest] = text.split(':')
  const attack = name === undefined ? 'push' : SAMPLING_ATTACKS.find((known) => known === name)
  if (attack === undefined || rest.length > 0)
    throw usage(`--attackers: "${text}" is not SHARE or SHARE:ATTACK; the attacks are ${SAMPLING_ATTACKS.join(', ')}`)
  return { share: readShare('--attackers', share!, { max: ATTACKERS_SHARE_MAX }), attack }
}

/** Somebody must be left to look at. */
const KILL_SHARE_MAX = 0.99

function refuseUnused(scenario: Scenario, name: SettingName): void {
  if (scenario.settings[name] !== undefined) return
  const used = SETTING_NAMES.filter((other) => scenario.settings[other] !== undefined).map((other) => `--${other}`)
  throw new RoostError('USAGE', `--${name}: the scenario ${scenario.name} has no use for it`, {
    hint: `it takes --nodes, --seed${used.length === 0 ? '' : `, ${used.join(', ')}`}`,
  })
}

/** The scenario of this name. `USAGE` names the nearest where there is none. */
export function findScenario(scenarios: ReadonlyMap<string, Scenario>, name: string): Scenario {
  const scenario = scenarios.get(name)
  if (scenario !== undefined) return scenario
  const names = [...scenarios.keys()]
  const guess = nearest(name, names)
  throw new RoostError('USAGE', `there is no scenario "${name}"`, {
    hint: guess === undefined ? `there are ${names.join(', ')}` : `did you mean ${guess}?`,
  })
}

/** Says which flag an error is about, where whoever threw it does not know. */
function readNamed<Value>(flag: string, read: () => Value): Value {
  try {
    return read()
  } catch (thrown) {
    if (!(thrown instanceof RoostError) || thrown.message.startsWith(flag)) throw thrown
    throw new RoostError(thrown.code, `${flag}: ${thrown.message}`, { cause: thrown, hint: thrown.hint })
  }
}

function usage(message: string): RoostError {
  return new RoostError('USAGE', message, { hint: 'see `roost sim help run`' })
}

function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
