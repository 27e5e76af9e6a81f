import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fate } from './fuzzer.ts'

/**
 * Inputs that were found to have a fate of their own: a file for each target, a line for each fate, with the shortest input that is
 * known to have it. Faults that were mended stay in it under `fault` and a word, for ever.
 */

export const CORPUS_DIR = join(import.meta.dirname, 'corpus')
/** Longer inputs are counted and forgotten: a repository is no place for them. */
const INPUT_BYTES_MAX = 640
const ACCEPTED_BYTES_MAX = 2_048
const LINES_COUNT_MAX = 48
/** What the codec refuses is the same for all, and kept for one. */
const CODEC_WORDS = 'not a value'
const CODEC_TARGET = 'envelope'

export function readCorpus(name: string): Map<string, Uint8Array> {
  const path = fileOf(name)
  if (!existsSync(path)) return new Map()
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [fate = '', hex = ''] = line.split('\t')
      return [fate, new Uint8Array(Buffer.from(hex, 'hex'))]
    }),
  )
}

/** Adds fates that are new, and inputs that are shorter. Says how many lines are new. */
export function growCorpus(name: string, fates: ReadonlyMap<string, Fate>): number {
  const corpus = readCorpus(name)
  const before = corpus.size
  // What is accepted comes first: the rest is made from it.
  const inOrder = [...fates].toSorted(([one], [other]) => Number(isAccepted(other)) - Number(isAccepted(one)))
  for (const [fate, { input }] of inOrder) {
    const known = corpus.get(fate)
    if (fate.includes(CODEC_WORDS) && name !== CODEC_TARGET) continue
    const isWorthIt = known === undefined ? corpus.size < LINES_COUNT_MAX : input.length < known.length
    if (isWorthIt && input.length <= (isAccepted(fate) ? ACCEPTED_BYTES_MAX : INPUT_BYTES_MAX)) corpus.set(fate, input)
  }
  if (corpus.size === 0) return 0
  const lines = [...corpus].toSorted(([one], [other]) => (one < other ? -1 : 1))
  mkdirSync(CORPUS_DIR, { recursive: true })
  writeFileSync(fileOf(name), lines.map(([fate, input]) => `${fate}\t${Buffer.from(input).toString('hex')}\n`).join(''))
  return corpus.size - before
}

function isAccepted(fate: string): boolean {
  return fate.startsWith('accepted')
}

function fileOf(name: string): string {
  return join(CORPUS_DIR, `${name}.tsv`)
}
