/** What a pattern means: the tree between its text and its program. A character weighs what asking `accepts` costs. */
export type PatternNode =
  | { readonly kind: 'character'; readonly accepts: Accepts; readonly weight: number }
  | { readonly kind: 'assertion'; readonly holds: AssertionName }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'alternatives'; readonly options: readonly PatternNode[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: PatternNode }
  | {
      readonly kind: 'repeat'
      readonly body: PatternNode
      readonly countMin: number
      readonly countMax: number
      readonly lazy: boolean
    }

/** Whether a code point is one of those that a character of the pattern stands for. */
export type Accepts = (codePoint: number) => boolean

export type AssertionName =
  | 'text-start'
  | 'text-end'
  | 'text-end-or-last-newline'
  | 'line-start'
  | 'line-end'
  | 'word-border'
  | 'no-word-border'

/** Options that change what a pattern means; they can also stand in it, as `(?i)`. */
export interface PatternOptions {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
  readonly extended: boolean
}

/** Why a pattern was refused. */
export class PatternFault extends Error {}

export function isWordCodePoint(codePoint: number | undefined): boolean {
  if (codePoint === undefined) return false
  return (
    (codePoint >= 0x30 && codePoint <= 0x39) ||
    (codePoint >= 0x41 && codePoint <= 0x5a) ||
    codePoint === 0x5f ||
    (codePoint >= 0x61 && codePoint <= 0x7a)
  )
}
