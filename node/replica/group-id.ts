import { RoostError } from '../../overlay/index.ts'

/**
 * A group's id says of what kind it is and what it is called, so that a node that is invited knows what to open; and it ends with
 * chance, so that two groups of one name, made by two nodes at once, are two groups and not one with two histories.
 */
export interface GroupId {
  readonly kind: string
  readonly name: string
}

const WORD_CHARS_MAX = 24
const WORD = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
const ID = /^([a-z0-9-]+)\.([a-z0-9-]+)\.([0-9a-f]{12})$/

/** `USAGE` for what is neither a kind nor a name. */
export function checkWord(word: string): string {
  if (word.length <= WORD_CHARS_MAX && WORD.test(word)) return word
  throw new RoostError('USAGE', `not a kind or name of a group: ${word.slice(0, 100)}`, {
    hint: `1 to ${WORD_CHARS_MAX} of a-z, 0-9 and "-", with a letter or digit at both ends`,
  })
}

/** 48 bits of chance: of a million groups of one name two are the same once in a thousand times, and of two never. */
export function makeGroupId({ kind, name }: GroupId, rng: { next(): number }): string {
  const hex = (digitCount: number): string => rng.next().toString(16).padStart(8, '0').slice(0, digitCount)
  return `${applicationOf({ kind, name })}.${hex(8)}${hex(4)}`
}

/** Undefined for what a peer only says is one. */
export function parseGroupId(id: string): GroupId | undefined {
  const [, kind, name] = ID.exec(id) ?? []
  const isOne = [kind, name].every((word) => word !== undefined && word.length <= WORD_CHARS_MAX && WORD.test(word))
  return isOne ? { kind: kind!, name: name! } : undefined
}

/** Under what name a group stands in the directory of applications. */
export function applicationOf({ kind, name }: GroupId): string {
  return `${kind}.${name}`
}
