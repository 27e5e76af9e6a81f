import type { PeerId, Surroundings } from '../../../overlay/index.ts'
import { promisedBytes, type JobDescription } from '../description.ts'
import { conditionsOf, type Wanted } from './condition.ts'
import { groupsOf, type Group } from './group.ts'
import {
  headlineOf,
  isMatching,
  relaxationOf,
  talliesOf,
  type Coverage,
  type Relaxation,
  type Tally,
} from './headline.ts'
import { verdictOf, type NodeFacts, type VerdictKind } from './verdict.ts'

/** Why a job does not run, for every node that was looked at. */
export interface Explained {
  /** In one sentence, and what would change it. */
  readonly headline: string
  readonly wantedCount: number
  /** Nodes that are what the job asks for, with room or without. */
  readonly matchingCount: number
  readonly groups: readonly Group[]
  /** How each condition sorts the nodes, in the order in which they are written. */
  readonly conditions: readonly Tally[]
  readonly relaxation?: Relaxation
  readonly nodes: readonly ExplainedNode[]
  readonly isWhole: boolean
}

export interface ExplainedNode {
  readonly id: PeerId
  readonly name: string
  readonly kind: VerdictKind
  readonly reason: string
  /** All conditions that it does not fulfil. */
  readonly failed: readonly string[]
  readonly roomAtMs?: number
}

/**
 * Sorts nodes by what keeps a job from running there. The idea is that of HTCondor's `condor_q -better-analyze`: a job's requirements are
 * a conjunction, and which part of it fails where tells a user more than that the whole does. Beyond that the sentence on top says
 * what would change it, and what a node lacks comes with its own value.
 */
export function explain(
  description: JobDescription,
  nodes: readonly NodeFacts[],
  {
    coverage,
    surroundings,
  }: {
    readonly coverage: Coverage
    readonly surroundings: Pick<Surroundings, 'wallMs' | 'rng'>
  },
): Explained {
  const wanted = wantedOf(description)
  const conditions = conditionsOf(wanted)
  const verdicts = nodes.map((node) => verdictOf(node, { conditions, wanted }, surroundings))
  const tallies = talliesOf(verdicts, conditions)
  const relaxation = relaxationOf(verdicts, tallies, wanted)
  return {
    headline: headlineOf(verdicts, conditions, { wanted, coverage, relaxation, wallMs: surroundings.wallMs }),
    wantedCount: wanted.nodes,
    matchingCount: verdicts.filter(isMatching).length,
    groups: groupsOf(verdicts, conditions),
    conditions: tallies,
    ...(relaxation !== undefined && { relaxation }),
    nodes: verdicts.map(({ node, kind, text, failed, roomAtMs }) => ({
      id: node.id,
      name: node.name,
      kind,
      reason: text,
      failed: failed.map((index) => conditions[index]!.text),
      ...(roomAtMs !== undefined && { roomAtMs }),
    })),
    isWhole: coverage.isWhole,
  }
}

export function wantedOf(description: JobDescription): Wanted {
  const { where, nodes, cores } = description
  return { where, nodes, cores, memoryBytes: promisedBytes(description) }
}
