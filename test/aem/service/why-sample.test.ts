import { describe, expect, test } from 'vitest'
import { WhyNot, WHY_NODES_MAX, type WhyDependencies } from '../../../aem/service/why.ts'
import type { Asking } from '../../../aem/service/jobs.ts'
import type { Candidate, NodeInfo, NodeState, Query } from '../../../overlay/contract/index.ts'
import { seededRng } from '../../../overlay/index.ts'

const HERE: Asking = { caller: { via: 'socket' }, signal: AbortSignal.timeout(60_000) }
const candidate = (id: string, cores: number): Candidate => ({ id, name: id, attributes: { Cores: cores }, rank: 0 })
const known = (id: string, state: NodeState): NodeInfo => ({
  id,
  name: id,
  state,
  sinceMs: 0,
  attributes: {},
  addresses: [],
  sequence: 1,
})

/** A node that finds these. */
function whyAt(
  find: (query: Query) => Promise<{ candidates: Candidate[]; silent?: string[]; complete: boolean }>,
  list: NodeInfo[] = [],
): WhyNot {
  const nodes = {
    list: () => list,
    get: () => undefined,
    find: async (query: Query) => {
      const { candidates, silent = [], complete } = await find(query)
      const rejections = silent.map((id) => ({ id, reason: 'silent' as const }))
      return { candidates, rejections, explanation: { complete } }
    },
  }
  const surroundings = { nowMs: 0, wallMs: 0, rng: seededRng(1) }
  return new WhyNot({ self: 'self', nodes, surroundings } as unknown as WhyDependencies)
}

describe('in a grid with more nodes than are asked', () => {
  const many = Array.from({ length: WHY_NODES_MAX }, (_, index) => candidate(`n${index}`, 2))

  test('those that match are looked for too, and the answer says that it is a sample', async () => {
    const asked: Query[] = []
    const why = whyAt(async (query) => {
      asked.push(query)
      return { candidates: query.where === 'true' ? many : [candidate('large', 64)], complete: false }
    })
    const answer = await why.ofDescription({ run: 'true', where: 'Cores >= 64', nodes: 2 }, HERE)
    expect(asked.map(({ where }) => where)).toEqual(['true', 'Cores >= 64'])
    expect(answer.nodes).toHaveLength(WHY_NODES_MAX)
    expect(answer).toMatchObject({ isWhole: false, matchingCount: 1 })
    expect(answer.headline).toContain(`${WHY_NODES_MAX} nodes were asked, and there are more`)
  })

  test('that there are no such nodes is said of those that were asked', async () => {
    const why = whyAt(async ({ where }) => ({ candidates: where === 'true' ? many : [], complete: false }))
    const { headline } = await why.ofDescription({ run: 'true', where: 'Cores >= 64' }, HERE)
    expect(headline).toMatch(/^none of the 500 nodes that were asked has Cores >= 64; the largest has 2/)
  })
})

test('who did not answer is told by what membership knows of it; who has left is no candidate', async () => {
  const states = ['alive', 'suspect', 'dead', 'left'] as const
  const why = whyAt(
    async () => ({ candidates: [], silent: ['alive', 'suspect'], complete: true }),
    states.map((state) => known(state, state)),
  )
  const { nodes } = await why.ofDescription({ run: 'true' }, HERE)
  expect(nodes.map(({ id, kind, reason }) => [id, kind, reason])).toEqual([
    ['alive', 'unreachable', 'does not answer'],
    ['suspect', 'unreachable', 'does not answer, and is suspected to be dead'],
    ['dead', 'unreachable', 'dead'],
  ])
})

test('a few are answered at once, and the next one is told to come again', async () => {
  const gate = Promise.withResolvers<void>()
  const why = whyAt(async () => {
    await gate.promise
    return { candidates: [], complete: true }
  })
  const underWay = Array.from({ length: 4 }, () => why.ofDescription({ run: 'true' }, HERE))
  await expect(why.ofDescription({ run: 'true' }, HERE)).rejects.toMatchObject({ code: 'BUSY' })
  gate.resolve()
  await Promise.all(underWay)
  await expect(why.ofDescription({ run: 'true' }, HERE)).resolves.toMatchObject({ nodes: [] })
})
