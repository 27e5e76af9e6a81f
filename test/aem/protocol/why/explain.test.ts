import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDescription } from '../../../../aem/protocol/index.ts'
import { explain, type Explained, type NodeFacts, type Room } from '../../../../aem/protocol/why/index.ts'
import { evaluate, isTrue, parseExpression, scopeOf, seededRng, type Attributes } from '../../../../overlay/index.ts'

const WALL_MS = 1_700_000_000_000
const GIB = 2 ** 30
const surroundings = { wallMs: WALL_MS, rng: seededRng(1) }

let made = 0
function node(attributes: Attributes, more: Partial<NodeFacts> = {}): NodeFacts {
  const id = `node-${made++}`
  return {
    id,
    name: id,
    state: 'alive',
    hasAnswered: true,
    attributes: { FreeCores: 4, Cores: 4, ...attributes },
    ...more,
  }
}

function why(job: Record<string, unknown>, nodes: readonly NodeFacts[], isWhole = true): Explained {
  const coverage = { nodesCount: nodes.length, isWhole }
  return explain(readDescription({ run: 'true', ...job }), nodes, { coverage, surroundings })
}

const roomOf = (free: number, promises: Room['promises'], cores = 8): Room => ({
  capacity: { cores, memoryBytes: 16 * GIB },
  free: { cores: free, memoryBytes: 16 * GIB },
  promises,
})

describe('one node', () => {
  test.each<[string, Record<string, unknown>, NodeFacts, string, string]>([
    ['what it has instead', { where: 'Cores >= 64' }, node({ Cores: 8 }), 'condition', 'Cores >= 64: 8 here'],
    [
      'sizes as people write them',
      { where: 'Memory >= 512GiB' },
      node({ Memory: 64 * GIB }),
      'condition',
      'Memory >= 512GiB: 64GiB here',
    ],
    [
      'what it does not have at all',
      { where: 'gpu.driver >= 550' },
      node({}),
      'condition',
      'gpu.driver >= 550: no gpu.driver here',
    ],
    [
      'a label with a dot by its value',
      { where: 'gpu.driver >= 550' },
      node({ 'gpu.driver': 470 }),
      'condition',
      'gpu.driver >= 550: 470 here',
    ],
    [
      'a comparison that begins with its constant',
      { where: '64 <= Cores' },
      node({ Cores: 8 }),
      'condition',
      'Cores >= 64: 8 here',
    ],
    [
      'every value of a condition that reads several',
      { where: 'Cores >= 64 || Gpus > 0' },
      node({ Cores: 8, Gpus: 0 }),
      'condition',
      'Cores >= 64 || Gpus > 0: Cores 8 here, Gpus 0 here',
    ],
    [
      'the members of a set',
      { where: 'member("python", Software)' },
      node({ Software: ['bash', 'gcc/13'] }),
      'condition',
      'member("python", Software): { "bash", "gcc/13" } here',
    ],
    ['that the machine is smaller than a unit', { cores: 64 }, node({ Cores: 8 }), 'condition', 'cores: 64: 8 here'],
    ['what is not free', { cores: 3 }, node({ FreeCores: 1 }), 'busy', '3 cores wanted, 1 free'],
    [
      'what is not free of its memory',
      { memory: '2GiB' },
      node({ FreeMemory: GIB }),
      'busy',
      '2GiB of memory wanted, 1GiB free',
    ],
    ['that it is drained', {}, node({ Production: false }), 'draining', 'draining: it takes nothing new'],
    ['that it is dead', {}, node({}, { state: 'dead', hasAnswered: false }), 'unreachable', 'dead'],
    ['that it is silent', {}, node({}, { hasAnswered: false }), 'unreachable', 'does not answer'],
    [
      'that it refused',
      {},
      node({}, { refusal: { reason: 'the node is going down', agoMs: 12_000 } }),
      'refused',
      'refused 12 s ago: the node is going down',
    ],
    ['that nothing speaks against it', {}, node({}), 'free', 'matches, and has room'],
  ])('is told %s', (_what, job, facts, kind, reason) => {
    expect(why(job, [facts]).nodes[0]).toMatchObject({ kind, reason })
  })

  test('is told when there is room, where time limits make that known', () => {
    const promises = [
      { cores: 1, memoryBytes: 0 },
      { cores: 2, memoryBytes: 0, untilMs: WALL_MS + 600_000 },
      { cores: 4, memoryBytes: 0, untilMs: WALL_MS + 60_000 },
    ]
    const facts = node({ FreeCores: 1, Cores: 8 }, { room: roomOf(1, promises) })
    expect(why({ cores: 5 }, [facts]).nodes[0]).toMatchObject({
      reason: '5 cores wanted, 1 free; room in 60 s at the latest',
      roomAtMs: WALL_MS + 60_000,
    })
    expect(why({ cores: 6 }, [facts]).nodes[0]).toMatchObject({ roomAtMs: WALL_MS + 600_000 })
    expect(why({ cores: 8 }, [facts]).nodes[0]).not.toHaveProperty('roomAtMs')
  })

  test('that gives less to jobs than it has is never large enough', () => {
    const facts = node({ Cores: 64, FreeCores: 2 }, { room: roomOf(2, [], 2) })
    expect(why({ cores: 4 }, [facts]).nodes[0]).toMatchObject({ kind: 'too-small' })
  })

  test('that is dead and would not match anyway is told so: its return would not help', () => {
    const dead = node({ Cores: 2 }, { state: 'dead', hasAnswered: false })
    expect(why({ where: 'Cores >= 4' }, [dead]).nodes[0]).toMatchObject({
      kind: 'condition',
      reason: 'Cores >= 4: 2 here',
    })
  })

  test('that is dead is not judged by what it would measure now', () => {
    for (const where of ['Load < 0.1', 'time() > 0', 'isUndefined(FreeDisk) == false'])
      expect(why({ where }, [node({}, { state: 'dead', hasAnswered: false })]).nodes[0]!.kind).toBe('unreachable')
    const live = node({ Dynamic: ['queue.length'] }, { state: 'dead', hasAnswered: false })
    expect(why({ where: 'queue.length < 3' }, [live]).nodes[0]!.kind).toBe('unreachable')
  })

  test('says all that it lacks', () => {
    const { nodes } = why({ where: 'Cores >= 8 && Os == "LINUX" && Memory >= 1GiB' }, [node({ Cores: 2, Os: 'LINUX' })])
    expect(nodes[0]!.failed).toEqual(['Cores >= 8', 'Memory >= 1GiB'])
  })
})

describe('many nodes', () => {
  test('are grouped by reason, the most frequent first', () => {
    const nodes = [
      node({ Cores: 4 }),
      node({ Cores: 8 }),
      node({ Cores: 16 }),
      node({ Cores: 64, FreeCores: 0 }),
      node({ Cores: 64 }, { state: 'dead', hasAnswered: false }),
    ]
    const { groups } = why({ where: 'Cores >= 64' }, nodes)
    expect(groups.map(({ text, count }) => [count, text])).toEqual([
      [3, 'Cores >= 64: 4 to 16 there'],
      [1, '1 core wanted, 0 free'],
      [1, 'dead'],
    ])
    expect(groups[0]!.nodes).toEqual(nodes.slice(0, 3).map(({ id }) => id))
  })

  test('of one group show what they have: values, and how many have none', () => {
    const nodes = [node({ Os: 'LINUX' }), node({ Os: 'MACOS' }), node({})]
    expect(why({ where: 'Os == "WINNT"' }, nodes).groups[0]!.text).toBe(
      'Os == "WINNT": "LINUX" or "MACOS" there, and 1 node without',
    )
  })

  test('are counted once, whatever they lack', () => {
    const nodes = [node({ Cores: 1 }), node({ Cores: 1, Gpus: 1 }), node({ Gpus: 0 })]
    const { groups, conditions } = why({ where: 'Cores >= 4 && Gpus >= 1' }, nodes)
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(3)
    expect(conditions).toEqual([
      { condition: 'Cores >= 4', failedCount: 2, failedAloneCount: 1 },
      { condition: 'Gpus >= 1', failedCount: 2, failedAloneCount: 1 },
    ])
  })
})

test('hundreds of conditions are told one by one as far as anybody reads them', () => {
  const halves = (from: number, to: number): string => {
    if (to - from === 1) return `Cores > ${from}`
    const middle = (from + to) >> 1
    return `(${halves(from, middle)} && ${halves(middle, to)})`
  }
  const { nodes, conditions } = why({ where: halves(0, 600) }, [node({ Cores: 10 }), node({ Cores: 100 })])
  expect(conditions).toHaveLength(65)
  expect(conditions.at(-1)!.condition).toBe('536 further conditions')
  expect(nodes[0]).toMatchObject({ reason: 'Cores > 10: 10 here' })
  expect(nodes[1]).toMatchObject({ reason: '536 further conditions: 100 here' })
})

describe('the headline', () => {
  const memory = (gib: number): NodeFacts => node({ Memory: gib * GIB })

  test.each<[string, Record<string, unknown>, NodeFacts[], string]>([
    [
      'says what the largest has',
      { where: 'Memory >= 512GiB' },
      [memory(16), memory(64)],
      'no node has Memory >= 512GiB; the largest has 64GiB; without it 2 nodes would match',
    ],
    [
      'says what there is instead',
      { where: 'Os == "WINNT"', nodes: 2 },
      [node({ Os: 'LINUX' })],
      'no node has Os == "WINNT"; there is "LINUX"',
    ],
    [
      'guesses at a slip of the pen',
      { where: 'Memroy >= 1GiB' },
      [memory(16)],
      'no node fulfils `Memroy >= 1073741824`, or has an attribute Memroy at all (did you mean Memory?); without it 1 node would match',
    ],
    [
      'names the one condition that is too much',
      { where: 'Cores >= 4 && Gpus >= 1' },
      [node({ Cores: 8, Gpus: 0 }), node({ Cores: 8, Gpus: 0 }), node({ Cores: 2, Gpus: 1 })],
      '1 node wanted, 0 nodes match; each condition is fulfilled somewhere, but no node fulfils them all; without `Gpus >= 1` 2 nodes would match',
    ],
    [
      'counts those that match where there are not enough',
      { where: 'Cores >= 4', nodes: 3 },
      [node({}), node({}), node({ Cores: 2 })],
      '3 nodes wanted, 2 nodes match; without `Cores >= 4` 3 nodes would match',
    ],
    [
      'counts those that cannot be reached',
      { nodes: 2 },
      [node({}), node({}, { state: 'dead', hasAnswered: false })],
      '2 nodes wanted, 1 node matches; 1 that may match cannot be reached',
    ],
    [
      'says when there is room',
      { cores: 4 },
      [
        node(
          { FreeCores: 0, Cores: 4 },
          { room: roomOf(0, [{ cores: 4, memoryBytes: 0, untilMs: WALL_MS + 720_000 }], 4) },
        ),
      ],
      '1 node wanted, 1 node matches, 0 of them free: 1 is busy and there is room in 12 min at the latest',
    ],
    [
      'says that nothing is in the way',
      {},
      [node({})],
      'nothing stands in its way: 1 node matches and has room, 1 node wanted',
    ],
    ['says that nobody is there', {}, [], 'no node is known that could run it'],
  ])('%s', (_what, job, nodes, headline) => {
    expect(why(job, nodes).headline).toBe(headline)
  })

  test('of a part of the grid says that it is one', () => {
    expect(why({ where: 'Cores >= 64' }, [node({}), node({})], false).headline).toContain(
      'none of the 2 nodes that were asked has Cores >= 64',
    )
  })
})

test('a node fails some condition exactly where the whole expression is not true of it', () => {
  const atoms = [
    'Cores >= 4',
    'Gpus',
    'Os == "LINUX"',
    '!(Gpus > 1)',
    'isUndefined(Zone)',
    '(Cores > 2 || Gpus > 0)',
    '2',
    'Os',
  ]
  const where = fc.array(fc.constantFrom(...atoms), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(' && '))
  const attributes = fc.record(
    {
      Cores: fc.integer({ min: 1, max: 8 }),
      Gpus: fc.integer({ min: 0, max: 2 }),
      Os: fc.constantFrom('LINUX', 'MACOS'),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(where, attributes, (text, machine) => {
      const facts = { ...node({}), attributes: machine as Attributes }
      const scope = scopeOf(facts.attributes)
      const isMatch = isTrue(evaluate(parseExpression(text), { my: scope, target: scope }, surroundings))
      expect(why({ where: text }, [facts]).nodes[0]!.failed.length === 0).toBe(isMatch)
    }),
  )
})
