import { readFileSync } from 'node:fs'
import { RoostError } from '../../overlay/error/index.ts'
import { machinesPopulation } from './machines.ts'
import type { Population } from './population.ts'
import { syntheticPopulation } from './synthetic.ts'
import { DIMENSION_COUNT_MAX, uniformPopulation } from './uniform.ts'

/** `synthetic`, `uniform:D`, or a table of machines in a file. `USAGE` where it is none of them. */
export function readPopulation(text: string, seed: number): Population {
  if (text === 'synthetic') return syntheticPopulation(seed)
  const uniform = /^uniform:(.*)$/.exec(text)
  if (uniform === null) return machinesPopulation(readInput('--population', text), text, seed)
  const dimensionCount = /^\d{1,9}$/.test(uniform[1]!) ? Number(uniform[1]) : 0
  if (dimensionCount < 1 || dimensionCount > DIMENSION_COUNT_MAX)
    throw new RoostError(
      'USAGE',
      `--population: "${text}" has no number of attributes from 1 to ${DIMENSION_COUNT_MAX}`,
    )
  return uniformPopulation(dimensionCount, seed)
}

/** A file that a flag names, as text. `USAGE` where it cannot be read or is beyond `INPUT_CHARS_MAX`. */
export function readInput(flag: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const what = code === 'ENOENT' ? 'there is no file' : `cannot read (${code})`
    throw new RoostError('USAGE', `${flag}: ${what} ${file}`, { cause, file })
  }
  if (text.length > INPUT_CHARS_MAX)
    throw new RoostError('USAGE', `${flag}: ${file} has more than ${INPUT_CHARS_MAX} characters`, { file })
  return text
}

/** A table of a million machines. */
const INPUT_CHARS_MAX = 268_435_456
