import { PATTERN_CHARS_MAX, PATTERN_INSTRUCTIONS_MAX, PATTERNS_KEPT_MAX } from './bounds.ts'
import { parsePattern } from './parse.ts'
import { PatternFault, type Accepts, type AssertionName, type PatternNode, type PatternOptions } from './syntax.ts'

/**
 * A pattern as instructions for a machine with many threads (Thompson, "Regular Expression Search Algorithm", 1968; with
 * captures as in Pike's VM, see Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009).
 */
export type Instruction =
  | { readonly op: 'character'; readonly accepts: Accepts; readonly weight: number }
  | { readonly op: 'assertion'; readonly holds: AssertionName }
  | { op: 'split'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' }

export interface Program {
  readonly instructions: readonly Instruction[]
  /** Two for the whole match and two for each group. */
  readonly slotCount: number
}

const KEPT = new Map<string, Program | PatternFault>()

/** The program of a pattern, or why there is none. Kept for the next call: a query asks the same of every node. */
export function programFor(pattern: string, options: PatternOptions): Program | PatternFault {
  if (pattern.length > PATTERN_CHARS_MAX)
    return new PatternFault(`a pattern has more than ${PATTERN_CHARS_MAX} characters`)
  const key = `${options.ignoreCase}${options.multiline}${options.dotAll}${options.extended}/${pattern}`
  let program = KEPT.get(key)
  if (program === undefined) {
    program = compileOrFault(pattern, options)
    if (KEPT.size >= PATTERNS_KEPT_MAX) KEPT.delete(KEPT.keys().next().value!)
    KEPT.set(key, program)
  }
  return program
}

function compileOrFault(pattern: string, options: PatternOptions): Program | PatternFault {
  try {
    const { root, groupCount } = parsePattern(pattern, options)
    const assembler = new Assembler()
    assembler.emit({ kind: 'group', index: 0, body: root })
    assembler.add({ op: 'match' })
    return { instructions: assembler.instructions, slotCount: 2 * (groupCount + 1) }
  } catch (error) {
    if (error instanceof PatternFault) return error
    throw error
  }
}

class Assembler {
  readonly instructions: Instruction[] = []

  add(instruction: Instruction): number {
    if (this.instructions.length >= PATTERN_INSTRUCTIONS_MAX)
      throw new PatternFault(`the pattern needs more than ${PATTERN_INSTRUCTIONS_MAX} instructions`)
    return this.instructions.push(instruction) - 1
  }

  emit(node: PatternNode): void {
    switch (node.kind) {
      case 'character':
        this.add({ op: 'character', accepts: node.accepts, weight: node.weight })
        return
      case 'assertion':
        this.add({ op: 'assertion', holds: node.holds })
        return
      case 'sequence':
        for (const part of node.parts) this.emit(part)
        return
      case 'alternatives':
        this.#alternatives(node.options)
        return
      case 'group':
        this.add({ op: 'save', slot: 2 * node.index })
        this.emit(node.body)
        this.add({ op: 'save', slot: 2 * node.index + 1 })
        return
      case 'repeat':
        this.#repeat(node)
    }
  }

  #alternatives(options: readonly PatternNode[]): void {
    const jumps: { op: 'jump'; to: number }[] = []
    for (const [index, option] of options.entries()) {
      if (index === options.length - 1) {
        this.emit(option)
        continue
      }
      const split = { op: 'split' as const, first: this.instructions.length + 1, second: 0 }
      this.add(split)
      this.emit(option)
      const jump = { op: 'jump' as const, to: 0 }
      this.add(jump)
      jumps.push(jump)
      split.second = this.instructions.length
    }
    for (const jump of jumps) jump.to = this.instructions.length
  }

  /** The required rounds one after the other, then a loop, or an optional round within an optional round. */
  #repeat({ body, countMin, countMax, lazy }: Extract<PatternNode, { kind: 'repeat' }>): void {
    const start = this.instructions.length
    for (let round = 0; round < countMin; round++) {
      this.emit(body)
      // A body without instructions does nothing however often it is repeated.
      if (this.instructions.length === start) return
    }
    const splits: { op: 'split'; first: number; second: number }[] = []
    if (countMax === Infinity) {
      const loop = this.instructions.length
      splits.push(this.#split())
      this.emit(body)
      this.add({ op: 'jump', to: loop })
    } else
      for (let round = countMin; round < countMax; round++) {
        splits.push(this.#split())
        this.emit(body)
      }
    for (const split of splits) {
      split.second = this.instructions.length
      if (lazy) [split.first, split.second] = [split.second, split.first]
    }
  }

  #split(): { op: 'split'; first: number; second: number } {
    const split = { op: 'split' as const, first: this.instructions.length + 1, second: 0 }
    this.add(split)
    return split
  }
}
