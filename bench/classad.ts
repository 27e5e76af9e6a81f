// What does one evaluation of a typical `where` cost, over the attributes of many different nodes?
//
// Baseline: the same predicate written by hand in JavaScript over plain objects, which no expression language can beat.

import { evaluate, isTrue, parseExpression, seededRng, type Scope, type Value } from '../overlay/index.ts'
import { header, quick, row, summary } from './support/report.ts'

const WHERE = 'Cores >= 8 && Memory >= 16GiB && Os == "linux" && member("python", Software) && (Gpus ?: 0) == 0'
const NODE_COUNT = 1_000
const SEED = 1
const ROUND_COUNT = quick ? 20 : 400

interface Machine {
  readonly cores: bigint
  readonly memory: bigint
  readonly os: string
  readonly software: readonly string[]
  readonly gpus: bigint | undefined
}

const rng = seededRng(SEED)
const machines = Array.from({ length: NODE_COUNT }, (): Machine => ({
  cores: BigInt(2 << rng.below(7)),
  memory: BigInt(4 << rng.below(6)) << 30n,
  os: rng.below(10) === 0 ? 'MACOS' : 'LINUX',
  software: ['gcc/12', 'python', 'blender', 'R'].slice(rng.below(4)),
  gpus: rng.below(4) === 0 ? BigInt(rng.below(3)) : undefined,
}))

const scopes = machines.map((machine): Scope => {
  const attributes = new Map<string, Value>(Object.entries(machine))
  return { lookup: (name) => attributes.get(name) }
})

const where = parseExpression(WHERE)

function countEvaluated(): number {
  let count = 0
  for (const scope of scopes) if (isTrue(evaluate(where, { my: scope, target: scope }))) count++
  return count
}

function countByHand(): number {
  let count = 0
  for (const { cores, memory, os, software, gpus } of machines) {
    const fits = cores >= 8n && memory >= 17_179_869_184n && os.toLowerCase() === 'linux'
    if (fits && software.some((name) => name.toLowerCase() === 'python') && (gpus ?? 0n) === 0n) count++
  }
  return count
}

/** Microseconds a node, one sample a round over all nodes. */
function measure(count: () => number): number[] {
  return Array.from({ length: ROUND_COUNT }, () => {
    const startMs = performance.now()
    count()
    return ((performance.now() - startMs) * 1_000) / NODE_COUNT
  })
}

header('What does one evaluation of a typical `where` cost?', { nodes: NODE_COUNT, rounds: ROUND_COUNT, seed: SEED })
console.log(`  where=${WHERE}`)
if (countEvaluated() !== countByHand()) throw new Error('the expression and the predicate by hand do not agree')
console.log(`  matching=${countByHand()}`)
measure(countByHand)
const byHand = measure(countByHand)
row('by hand in JavaScript (the limit)', byHand, 'us')
measure(countEvaluated)
const evaluated = measure(countEvaluated)
row('evaluate', evaluated, 'us', summary(byHand).median)
console.log(`  evaluations a second, median: ${Math.round(1e6 / summary(evaluated).median)}`)
