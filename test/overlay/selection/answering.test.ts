import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  answerLocally,
  EMPTY_LAYOUT,
  EVERYWHERE,
  Grouping,
  groupingKeys,
  keyOf,
  mintDescriptor,
  parseExpression,
  planQuery,
  Popularity,
  proposeLayout,
  regionsOf,
  Sample,
  seededRng,
  type Descriptor,
  type Layout,
  type PeerId,
  type Region,
} from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const rng = seededRng(11)
const env = new HandEnv(peerIds(1)[0]!)
const NODE_COUNT = 400
const OPTIONS = { cellCountMax: 12, cellCountMin: 3, growRestCycles: 16 }

/** Machines of a few kinds, with labels that go together, and some that lack one. */
const population: readonly Descriptor[] = peerIds(NODE_COUNT).map((id, index) =>
  mintDescriptor(
    {
      name: 'n',
      sequence: 1,
      addresses: [],
      attributes: {
        Cores: 2 ** rng.below(7),
        a: rng.real(),
        b: rng.real(),
        ...(index % 3 > 0 && { Site: ['lyon', 'lille', 'nancy', 'rennes'][rng.below(4)]! }),
      },
    },
    new HandEnv(id),
  ),
)

const layout = ((): Layout => {
  const sample = new Sample()
  for (const descriptor of population) sample.add(descriptor)
  const options = { sample, popularity: new Popularity(), epoch: 1, groupingCount: 2, attributesPerGrouping: 2 }
  return proposeLayout(options, env)
})()

/** One grouping as all nodes see it who have met everyone; `undefined` is the home grouping. */
function tablesOf(index: number | undefined, known: readonly Descriptor[] = population): Map<PeerId, Grouping> {
  const key = (one: Descriptor): number => (index === undefined ? keyOf(one) : groupingKeys(layout, one)[index]!)
  return new Map(
    population.map((own) => {
      const grouping = new Grouping(own, key, OPTIONS)
      for (const descriptor of known) grouping.put(descriptor, key(descriptor), 1)
      return [own.peer, grouping]
    }),
  )
}

interface Walk {
  readonly found: ReadonlyMap<PeerId, number>
  readonly askedCount: number
  readonly stepCount: number
}

/** Follows all referrals from one node on, as a search does. */
function walk(tables: ReadonlyMap<PeerId, Grouping>, index: number | undefined, from: PeerId, where: string): Walk {
  const plan = planQuery(parseExpression(where))
  const regions = regionsOf(index === undefined ? EMPTY_LAYOUT : layout, index, plan.boxes)
  const found = new Map<PeerId, number>()
  const ask = (peer: PeerId, region: Region, isFirst: boolean) => {
    const answer = answerLocally(tables.get(peer)!, region, { plan, regions, isFirst }, env)
    for (const match of answer.matches) found.set(match.peer, (found.get(match.peer) ?? 0) + 1)
    return answer.referrals
  }
  let askedCount = 0
  let stepCount = 0
  let open = ask(from, { key: tables.get(from)!.ownKey, ...EVERYWHERE }, true)
  for (; open.length > 0; stepCount++) {
    askedCount += open.length
    expect(askedCount).toBeLessThan(NODE_COUNT)
    open = open.flatMap((referral) => ask(referral.contacts[0]!.peer, referral, false))
  }
  return { found, askedCount, stepCount }
}

const wheres = [
  'true',
  'Cores >= 16',
  'Cores >= 8 && a < 0.25',
  'Site == "lyon" && b > 0.5',
  'Site == "lyon" || Site == "nancy"',
  'a >= 0.4 && a < 0.5 && b < 0.3',
  'Cores > 100',
  'Site is undefined',
]

describe('following referrals', () => {
  test.each([[undefined], [0], [1]])('law: in grouping %s finds each match once, wherever one starts', (index) => {
    const tables = tablesOf(index)
    fc.assert(
      fc.property(fc.constantFrom(...wheres), fc.nat(NODE_COUNT - 1), (where, from) => {
        const plan = planQuery(parseExpression(where))
        const matches = population.filter((one) => plan.admits(one, env)).map(({ peer }) => peer)
        const { found } = walk(tables, index, population[from]!.peer, where)
        expect([...found.keys()].sort()).toEqual(matches.toSorted())
        expect([...found.values()].every((count) => count === 1)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('asks about as many as there are cells in the part that the query touches, in a few steps', () => {
    const tables = tablesOf(undefined)
    const cells = new Set([...tables.values()].map(({ ownKey, depth }) => `${depth} ${ownKey >>> (32 - depth)}`))
    const { askedCount, stepCount } = walk(tables, undefined, population[0]!.peer, 'true')
    expect(askedCount).toBeGreaterThanOrEqual(cells.size - 1)
    expect(askedCount).toBeLessThanOrEqual(cells.size * 1.5)
    expect(stepCount).toBeLessThanOrEqual(4)
  })

  test('leaves alone the cells that a query does not touch', () => {
    const index = layout.groupings.findIndex((names) => names.includes('a'))
    const tables = tablesOf(index)
    const all = walk(tables, index, population[0]!.peer, 'true')
    const few = walk(tables, index, population[0]!.peer, 'a < 0.1')
    expect(few.askedCount).toBeLessThan(all.askedCount / 2)
  })

  test('who is asked for a region that it is not in names those who are nearer', () => {
    const tables = tablesOf(undefined)
    const plan = planQuery(parseExpression('true'))
    const regions = regionsOf(EMPTY_LAYOUT, undefined, plan.boxes)
    const [one, other] = [population[0]!, population.find((each) => keyOf(each) >= 0 !== keyOf(population[0]!) >= 0)!]
    const region = { key: keyOf(other), depth: 4, skip: 0 }
    const answer = answerLocally(tables.get(one.peer)!, region, { plan, regions, isFirst: false }, env)
    expect(answer.matches).toEqual([])
    expect(answer.referrals[0]!.key).toBe(region.key)
    expect(Math.clz32(keyOf(answer.referrals[0]!.contacts[0]!) ^ region.key)).toBeGreaterThanOrEqual(1)
  })
})
