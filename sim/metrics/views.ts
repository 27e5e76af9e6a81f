import type { Rng } from '../../overlay/env/index.ts'
import { clustering } from './clustering.ts'
import { componentSizes } from './components.ts'
import { graphOf, undirected, type Graph, type Views } from './graph.ts'
import { pathLength } from './path-length.ts'

/** What can be measured of the views of a grid after each cycle. Only nodes that are up are looked at. */
export interface ViewFigures {
  /** Deviation of how many others know a node. */
  readonly inDegreeSd: number
  /** Share of links to nodes that are down. */
  readonly deadLinkShare: number
  /** Connected parts, links counting both ways, and the share of nodes outside of the largest. */
  readonly components: number
  readonly outsideLargest: number
  /** Share of honest nodes' links that lead to attackers, and honest nodes that know attackers only. */
  readonly attackerShare: number
  readonly eclipsed: number
  /** Links to nobody: to a descriptor that no node has minted. */
  readonly strangers: number
}

/** What takes longer, and is estimated from a sample of nodes in large grids. */
export interface ShapeFigures {
  readonly clustering: number
  /** What a random graph with as many nodes and links has. */
  readonly clusteringRandom: number
  readonly pathLength: number
}

export interface AttackedViews extends Views {
  readonly isAttacker?: (node: number) => boolean
}

export function measureViews(views: AttackedViews): ViewFigures {
  const all = graphOf(views, { isTargetUp: false })
  const inDegrees = new Uint32Array(views.nodesCount)
  let [upCount, deadCount, degreeSum] = [0, 0, 0]
  for (const target of all.targets) {
    inDegrees[target]!++
    if (!views.isUp(target)) deadCount++
  }
  for (let node = 0; node < views.nodesCount; node++)
    if (views.isUp(node)) {
      upCount++
      degreeSum += inDegrees[node]!
    }
  const meanDegree = upCount === 0 ? 0 : degreeSum / upCount
  let squares = 0
  for (let node = 0; node < views.nodesCount; node++)
    if (views.isUp(node)) squares += (inDegrees[node]! - meanDegree) ** 2
  const sizes = componentSizes(all.targets.length === 0 ? all : onlyUp(all, views), (node) => views.isUp(node))
  return {
    inDegreeSd: upCount === 0 ? 0 : Math.sqrt(squares / upCount),
    deadLinkShare: all.targets.length === 0 ? 0 : deadCount / all.targets.length,
    components: sizes.length,
    outsideLargest: upCount === 0 ? 0 : 1 - sizes[0]! / upCount,
    ...measureAttack(all, views),
    strangers: all.strangerCount,
  }
}

export function measureShape(views: Views, rng: Rng): ShapeFigures {
  const graph = undirected(graphOf(views, { isTargetUp: true }))
  const upNodes: number[] = []
  for (let node = 0; node < views.nodesCount; node++) if (views.isUp(node)) upNodes.push(node)
  return {
    clustering: clustering(graph, rng),
    clusteringRandom: upNodes.length < 2 ? 0 : graph.targets.length / upNodes.length / (upNodes.length - 1),
    pathLength: pathLength(graph, upNodes, rng),
  }
}

function onlyUp({ nodesCount, offsets, targets }: Graph, { isUp }: Views): Graph {
  const kept = new Uint32Array(targets.length)
  const ends = new Uint32Array(nodesCount + 1)
  let count = 0
  for (let node = 0; node < nodesCount; node++) {
    for (let at = offsets[node]!; at < offsets[node + 1]!; at++) if (isUp(targets[at]!)) kept[count++] = targets[at]!
    ends[node + 1] = count
  }
  return { nodesCount, offsets: ends, targets: kept.subarray(0, count) }
}

function measureAttack(
  { nodesCount, offsets, targets }: Graph,
  views: AttackedViews,
): { readonly attackerShare: number; readonly eclipsed: number } {
  if (views.isAttacker === undefined) return { attackerShare: 0, eclipsed: 0 }
  let [honestLinks, attackerLinks, eclipsed] = [0, 0, 0]
  for (let node = 0; node < nodesCount; node++) {
    const [start, end] = [offsets[node]!, offsets[node + 1]!]
    if (start === end || views.isAttacker(node)) continue
    let count = 0
    for (let at = start; at < end; at++) if (views.isAttacker(targets[at]!)) count++
    honestLinks += end - start
    attackerLinks += count
    if (count === end - start) eclipsed++
  }
  return { attackerShare: honestLinks === 0 ? 0 : attackerLinks / honestLinks, eclipsed }
}
