/**
 * Who knows whom, as one pair of typed arrays: the neighbours of a node are `targets` from `offsets[node]` to
 * `offsets[node + 1]`. A million nodes with views of twenty take 84 MB.
 */
export interface Graph {
  readonly nodesCount: number
  readonly offsets: Uint32Array
  readonly targets: Uint32Array
}

/** What a measurement needs to know of a grid: its nodes have numbers from 0. */
export interface Views {
  readonly nodesCount: number
  readonly isUp: (node: number) => boolean
  /** Nodes that it knows; a negative number is somebody who is none. */
  readonly viewOf: (node: number) => readonly number[]
}

/** The links of all nodes that are up; with `isTargetUp`, only those to others that are. `strangerCount` are those to nobody. */
export function graphOf(
  { nodesCount, isUp, viewOf }: Views,
  options: { readonly isTargetUp: boolean },
): Graph & { readonly strangerCount: number } {
  const offsets = new Uint32Array(nodesCount + 1)
  let targets = new Uint32Array(Math.max(16, nodesCount * 24))
  let count = 0
  let strangerCount = 0
  for (let node = 0; node < nodesCount; node++) {
    if (isUp(node)) {
      const view = viewOf(node)
      if (count + view.length > targets.length) targets = grown(targets, count + view.length)
      for (const target of view)
        if (target < 0) strangerCount++
        else if (target !== node && (!options.isTargetUp || isUp(target))) targets[count++] = target
    }
    offsets[node + 1] = count
  }
  return { nodesCount, offsets, targets: targets.subarray(0, count), strangerCount }
}

/** The same links without direction, each pair of neighbours once, neighbours in ascending order. */
export function undirected(graph: Graph): Graph {
  const { nodesCount, offsets, targets } = graph
  const starts = new Uint32Array(nodesCount + 1)
  for (let node = 0; node < nodesCount; node++)
    for (let at = offsets[node]!; at < offsets[node + 1]!; at++) {
      starts[node + 1]!++
      starts[targets[at]! + 1]!++
    }
  for (let node = 0; node < nodesCount; node++) starts[node + 1]! += starts[node]!
  const both = new Uint32Array(starts[nodesCount]!)
  const ends = starts.slice()
  // Sources ascend, so that what each node gets from others ascends too; its own links are put in their places by sorting.
  for (let node = 0; node < nodesCount; node++)
    for (let at = offsets[node]!; at < offsets[node + 1]!; at++) {
      both[ends[node]!++] = targets[at]!
      both[ends[targets[at]!]!++] = node
    }
  const result = new Uint32Array(nodesCount + 1)
  let count = 0
  for (let node = 0; node < nodesCount; node++) {
    const own = both.subarray(starts[node], starts[node + 1]).sort()
    let before = -1
    for (const neighbour of own) {
      if (neighbour !== before) both[count++] = neighbour
      before = neighbour
    }
    result[node + 1] = count
  }
  return { nodesCount, offsets: result, targets: both.subarray(0, count) }
}

function grown(array: Uint32Array<ArrayBuffer>, countMin: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(countMin, array.length * 2))
  larger.set(array)
  return larger
}
