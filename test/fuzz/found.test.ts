import { expect, test } from 'vitest'
import {
  createDiscovery,
  samplingWire,
  selectionWire,
  type Discovery,
  type Env,
  type PeerId,
  type ProtocolHost,
  type Surroundings,
} from '../../overlay/index.ts'
import { signLayout } from '../../overlay/placement/layout.ts'
import { decode, encode } from '../../node/codec/index.ts'
import { Simulation, type NodeHost } from '../../sim/engine/index.ts'
import { isDescriptor } from './liar.ts'
import { overridden } from './siege.ts'

/** What the fuzzer found, each as the smallest story that shows it. */

test('a word about the receiver that it never signed moves no number of its own', async () => {
  const simulation = new Simulation({ seed: 1, passage: { encode, decode } })
  const forgedBy = new Set<string>()
  const first = addNode(simulation, 'honest')
  const before = first.discovery().own()
  const forged = { ...before, sequence: Number.MAX_SAFE_INTEGER }
  addNode(simulation, 'liar', first.id, (wireId, message) => {
    const changed = withDescriptors(message, forged)
    if (changed === message) return undefined
    forgedBy.add(wireId)
    return changed
  })
  await simulation.run(60_000)
  expect([...forgedBy]).toEqual(expect.arrayContaining([samplingWire.id, selectionWire.id]))
  expect(first.discovery().own().sequence).toBe(before.sequence)
})

test('a node without a layout takes none from the end of all epochs, after which there would be no other', async () => {
  const simulation = new Simulation({ seed: 1, passage: { encode, decode } })
  const { id, discovery } = addNode(simulation, 'honest')
  let env: Env<unknown, unknown, unknown> | undefined
  let liar: Surroundings | undefined
  simulation.addNode({
    mount: (node) => {
      liar = node.surroundings
      env = node.mount(selectionWire, { start: () => {}, receive: () => {}, wake: () => {} }, () => {}) as never
    },
  })
  const borders = { cores: { values: [4], counts: [1] } }
  const tell = async (epoch: number): Promise<void> => {
    const layout = signLayout({ epoch, sampleCount: 500, unsure: [], borders, groupings: [['cores']] }, liar!)
    env!.send(id, { type: 'layout', layout })
    await simulation.run(5_000)
  }
  await tell(Number.MAX_SAFE_INTEGER)
  expect(discovery().selectionState.epoch).toBe(0)
  await tell(7)
  expect(discovery().selectionState.epoch).toBe(7)
})

/** What is sent after a message, if anything is. */
type Another = (wireId: string, message: unknown) => unknown

function addNode(
  simulation: Simulation,
  name: string,
  seed?: PeerId,
  andThen: Another = () => undefined,
): { readonly id: PeerId; readonly discovery: () => Discovery } {
  let discovery: Discovery | undefined
  const id = simulation.addNode({
    mount: (node) => {
      discovery = createDiscovery(
        { host: adding(node, andThen), onAddress: () => {} },
        { name, addresses: [], attributes: {}, ...(seed !== undefined && { seeds: [{ peer: seed, addresses: [] }] }) },
      )
    },
  })
  return { id, discovery: () => discovery! }
}

function adding(node: NodeHost, andThen: Another): ProtocolHost {
  const mount: ProtocolHost['mount'] = (wire, protocol, onEvent) => {
    const sending = <Inner extends Env<never, never, never>>(env: Inner): Inner =>
      overridden(env, {
        send: (to: PeerId, message: unknown) => {
          env.send(to, message as never)
          const another = andThen(wire.id, message)
          if (another !== undefined) env.send(to, another as never)
        },
      } as Partial<Env<never, never, never>> as Partial<Inner>)
    const changed: typeof protocol = {
      start: (env) => protocol.start(sending(env as never)),
      receive: (from, message, env) => protocol.receive(from, message, sending(env as never)),
      wake: (timer, env) => protocol.wake(timer, sending(env as never)),
    }
    return sending(node.mount(wire, changed, onEvent) as never)
  }
  return { self: node.self, surroundings: node.surroundings, mount, serve: (...served) => node.serve(...served) }
}

/** The message with this descriptor in place of every one; the same where it holds none. */
function withDescriptors(value: unknown, descriptor: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (isDescriptor(value)) return descriptor
  const fields = Object.entries(value).map(([key, field]) => [key, withDescriptors(field, descriptor)] as const)
  if (fields.every(([key, field]) => field === Reflect.get(value, key))) return value
  return Array.isArray(value) ? fields.map(([, field]) => field) : Object.fromEntries(fields)
}
