import type { Program } from './program.ts'
import { isWordCodePoint, type AssertionName } from './syntax.ts'

export interface SearchOptions {
  /** Where to begin, in UTF-16 units. */
  readonly from?: number
  /** A match must begin at `from`. */
  readonly anchored?: boolean
  /** A match must have at least one character. */
  readonly notEmpty?: boolean
}

/** Where the whole match and each group begin and end, in UTF-16 units; -1 for a group that took no part. */
export type Match = readonly number[]

/** Takes steps; false when they are used up. */
export type Charge = (steps: number) => boolean

/** Instructions that are made ready for one step. */
const CLEARED_PER_STEP = 64

/** Instructions that cost one step. */
const INSTRUCTIONS_PER_STEP = 4

interface Thread {
  readonly at: number
  readonly slots: readonly number[]
}

/**
 * The leftmost match, of several there the one that a backtracking engine would take; undefined where there is none;
 * `exhausted` where `charge` says so. All threads go through the text together, each instruction at most once a character,
 * so that the time is that of text times program whatever the pattern.
 */
export function search(
  program: Program,
  text: string,
  charge: Charge,
  { from = 0, anchored = false, notEmpty = false }: SearchOptions = {},
): Match | undefined | 'exhausted' {
  const { instructions, slotCount } = program
  if (!charge(Math.ceil(instructions.length / CLEARED_PER_STEP))) return 'exhausted'
  const seenAt = new Int32Array(instructions.length).fill(-1)
  const initialSlots = Array.from({ length: slotCount }, () => -1)
  let threads: Thread[] = []
  let best: Match | undefined
  for (let position = from; ;) {
    const codePoint = text.codePointAt(position)
    const starting = best === undefined && (!anchored || position === from)
    const ready: Thread[] = []
    let work = 1
    let matched = false
    const follow = (first: Thread): void => {
      const stack = [first]
      for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
        if (seenAt[thread.at] === position) continue
        seenAt[thread.at] = position
        work++
        const instruction = instructions[thread.at]!
        switch (instruction.op) {
          case 'jump':
            stack.push({ at: instruction.to, slots: thread.slots })
            break
          case 'split':
            stack.push({ at: instruction.second, slots: thread.slots }, { at: instruction.first, slots: thread.slots })
            break
          case 'save':
            work += slotCount >> 3
            stack.push({ at: thread.at + 1, slots: thread.slots.with(instruction.slot, position) })
            break
          case 'assertion':
            if (holds(instruction.holds, text, position)) stack.push({ at: thread.at + 1, slots: thread.slots })
            break
          case 'match':
            if (notEmpty && thread.slots[0] === position) break
            best = thread.slots
            matched = true
            return
          case 'character':
            work += instruction.weight
            ready.push(thread)
        }
      }
    }
    // Threads that were in front follow first; what stands behind one that matched is worse than that match.
    for (const thread of threads) {
      follow(thread)
      if (matched) break
    }
    if (starting && !matched) follow({ at: 0, slots: initialSlots })
    if (!charge(Math.ceil(work / INSTRUCTIONS_PER_STEP))) return 'exhausted'
    if (codePoint === undefined) return best
    threads = []
    for (const { at, slots } of ready) {
      const instruction = instructions[at]!
      if (instruction.op === 'character' && instruction.accepts(codePoint)) threads.push({ at: at + 1, slots })
    }
    if (threads.length === 0 && (best !== undefined || anchored)) return best
    position += codePoint > 0xffff ? 2 : 1
  }
}

function holds(name: AssertionName, text: string, position: number): boolean {
  switch (name) {
    case 'text-start':
      return position === 0
    case 'text-end':
      return position === text.length
    case 'text-end-or-last-newline':
      return position === text.length || (position === text.length - 1 && text[position] === '\n')
    case 'line-start':
      return position === 0 || text[position - 1] === '\n'
    case 'line-end':
      return position === text.length || text[position] === '\n'
    case 'word-border':
      return isWordBorder(text, position)
    case 'no-word-border':
      return !isWordBorder(text, position)
  }
}

function isWordBorder(text: string, position: number): boolean {
  return isWordCodePoint(text.charCodeAt(position - 1)) !== isWordCodePoint(text.charCodeAt(position))
}
