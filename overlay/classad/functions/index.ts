import { ENVIRONMENT_FUNCTIONS } from './environment.ts'
import type { ClassAdFunction } from './function.ts'
import { LIST_FUNCTIONS } from './lists.ts'
import { META_FUNCTIONS } from './meta.ts'
import { NUMBER_FUNCTIONS } from './numbers.ts'
import { PATTERN_FUNCTIONS } from './patterns.ts'
import { STRING_LIST_FUNCTIONS } from './string-lists.ts'
import { TEXT_FUNCTIONS } from './text.ts'
import { TIME_FUNCTIONS } from './times.ts'
import { VERSION_FUNCTIONS } from './versions.ts'

export { compareVersions } from './versions.ts'

const FAMILIES = [
  META_FUNCTIONS,
  NUMBER_FUNCTIONS,
  TEXT_FUNCTIONS,
  LIST_FUNCTIONS,
  STRING_LIST_FUNCTIONS,
  PATTERN_FUNCTIONS,
  TIME_FUNCTIONS,
  VERSION_FUNCTIONS,
  ENVIRONMENT_FUNCTIONS,
]

const FUNCTIONS: ReadonlyMap<string, ClassAdFunction> = new Map(
  FAMILIES.flatMap((family) => Object.entries(family).map(([name, found]) => [name.toLowerCase(), found] as const)),
)

export function findFunction(name: string): ClassAdFunction | undefined {
  return FUNCTIONS.get(name.toLowerCase())
}

/** The names of all functions, in lower case. */
export function functionNames(): ReadonlySet<string> {
  return new Set(FUNCTIONS.keys())
}
