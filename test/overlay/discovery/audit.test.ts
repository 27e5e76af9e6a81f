import { expect, test } from 'vitest'
import {
  createDiscovery,
  DescriptorChecker,
  questionWire,
  type Answer,
  type Discovery,
  type DiscoveryEvent,
  type PeerId,
  type ProtocolHost,
  type Question,
  type Service,
} from '../../../overlay/index.ts'
import { ANSWER_CONTEXT, statementOf } from '../../../overlay/selection/answerer.ts'
import { Simulation, type NodeHost } from '../../../sim/engine/index.ts'

const NODE_COUNT = 150
const LIAR_ONE_OF = 10
const QUERY_COUNT = 150

/** A host whose node denies that anybody in its cell matches, and signs that. */
function denying(node: NodeHost): ProtocolHost {
  const { crypto } = node.surroundings
  const deny = (question: Question, answer: Answer): Answer => {
    if (answer.type !== 'answer') return answer
    const lie = { descriptors: [], depth: answer.depth, matchCount: 0, memberCount: answer.memberCount }
    return { ...answer, ...lie, signature: crypto.sign(ANSWER_CONTEXT, statementOf(question, lie)) }
  }
  return {
    self: node.self,
    surroundings: node.surroundings,
    mount: (wire, protocol, onEvent) => node.mount(wire, protocol, onEvent),
    serve: (wire, service) => {
      if (wire.id !== questionWire.id) return node.serve(wire, service)
      const honest = service as unknown as Service<Question, Answer>
      const liar: Service<Question, Answer> = {
        answer: async (from, question) => deny(question, await honest.answer(from, question)),
      }
      return node.serve(wire, liar as unknown as typeof service)
    },
  }
}

test('members who leave out what is in their cell are found out by those who ask another of it too', async () => {
  const simulation = new Simulation({ seed: 8 })
  const checker = new DescriptorChecker({ countMax: 10_000 })
  const liars = new Set<PeerId>()
  const discoveries = new Map<PeerId, Discovery>()
  const blamed = new Map<PeerId, number>()
  const onEvent = (event: DiscoveryEvent): void => {
    if (event.type === 'refused' && event.reason === 'omission')
      blamed.set(event.peer, (blamed.get(event.peer) ?? 0) + 1)
  }
  for (let index = 0; index < NODE_COUNT; index++) {
    const first = simulation.ids[0]
    const isLiar = index % LIAR_ONE_OF === LIAR_ONE_OF - 1
    simulation.addNode({
      mount: (node) => {
        if (isLiar) liars.add(node.self)
        const discovery = createDiscovery(
          { host: isLiar ? denying(node) : node, onAddress: () => {}, onEvent },
          {
            name: `node${index}`,
            addresses: [],
            attributes: { Cores: 1 + (index % 16) },
            seeds: first === undefined ? [] : [{ peer: first, addresses: [] }],
            checker,
            selection: { cellCountMax: 24, cellCountMin: 6, layoutSettleMs: 10_000, sampleCountMin: 40 },
          },
        )
        discoveries.set(node.self, discovery)
      },
    })
  }
  await simulation.run(120_000)
  const honest = [...discoveries].filter(([id]) => !liars.has(id))
  for (let asked = 0; asked < QUERY_COUNT; asked++) {
    const [, asker] = honest[asked % honest.length]!
    await simulation.converse(() => asker.find({ where: 'Cores > 1', count: 1_000 }, { timeoutMs: 9_000 }), 20_000)
  }
  expect(blamed.size).toBeGreaterThanOrEqual(5)
  for (const id of blamed.keys()) expect(liars.has(id)).toBe(true)
})
