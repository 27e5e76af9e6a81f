import type { Rng } from '../../overlay/env/index.ts'
import type { Graph } from './graph.ts'

/** Links that one measurement may follow: a few seconds. It sets how many nodes are started from. */
const STEP_COUNT_MAX = 100_000_000
const SOURCE_COUNT_MAX = 64
const SOURCE_COUNT_MIN = 2

/**
 * The mean number of links on the shortest way between two nodes that have one, without regard to direction: from a sample of nodes
 * to all others. In graphs as regular as views are, ways from one node differ little from those of another: of two sources among
 * a million nodes the mean is known to about a hundredth.
 */
export function pathLength(graph: Graph, candidates: readonly number[], rng: Rng): number {
  const { nodesCount, targets } = graph
  if (candidates.length === 0) return 0
  const affordable = Math.floor(STEP_COUNT_MAX / (targets.length + nodesCount + 1))
  const sourceCount = Math.min(candidates.length, Math.max(SOURCE_COUNT_MIN, Math.min(affordable, SOURCE_COUNT_MAX)))
  let sum = 0
  let count = 0
  for (let drawn = 0; drawn < sourceCount; drawn++) {
    const source = sourceCount === candidates.length ? drawn : rng.below(candidates.length)
    const reached = walk(graph, candidates[source]!)
    sum += reached.sum
    count += reached.count
  }
  return count === 0 ? 0 : sum / count
}

/** Breadth first: how many nodes are reached, and how far they are together. */
function walk(
  { nodesCount, offsets, targets }: Graph,
  source: number,
): { readonly sum: number; readonly count: number } {
  const seen = new Uint8Array(nodesCount)
  const queue = new Uint32Array(nodesCount)
  queue[0] = source
  seen[source] = 1
  let [head, tail, distance, sum] = [0, 1, 0, 0]
  while (head < tail) {
    const ringEnd = tail
    distance++
    for (; head < ringEnd; head++) {
      const node = queue[head]!
      for (let at = offsets[node]!; at < offsets[node + 1]!; at++) {
        const neighbour = targets[at]!
        if (seen[neighbour] === 1) continue
        seen[neighbour] = 1
        queue[tail++] = neighbour
        sum += distance
      }
    }
  }
  return { sum, count: tail - 1 }
}
