import type { Graph } from './graph.ts'

/**
 * The sizes of the connected parts of a graph whose links count both ways, largest first, over the nodes for which `isIn`. By
 * union and find with path halving (Tarjan and van Leeuwen, 1984).
 */
export function componentSizes({ nodesCount, offsets, targets }: Graph, isIn: (node: number) => boolean): number[] {
  const parents = Uint32Array.from({ length: nodesCount }, (_, node) => node)
  const sizes = new Uint32Array(nodesCount).fill(1)
  for (let node = 0; node < nodesCount; node++)
    for (let at = offsets[node]!; at < offsets[node + 1]!; at++) unite(parents, sizes, node, targets[at]!)
  const found: number[] = []
  for (let node = 0; node < nodesCount; node++) if (parents[node] === node && isIn(node)) found.push(sizes[node]!)
  return found.sort((one, other) => other - one)
}

function unite(parents: Uint32Array, sizes: Uint32Array, one: number, other: number): void {
  let [root, child] = [find(parents, one), find(parents, other)]
  if (root === child) return
  if (sizes[root]! < sizes[child]!) [root, child] = [child, root]
  parents[child] = root
  sizes[root]! += sizes[child]!
}

function find(parents: Uint32Array, from: number): number {
  let node = from
  while (parents[node] !== node) {
    parents[node] = parents[parents[node]!]!
    node = parents[node]!
  }
  return node
}
