import { type Env, type PeerId, type Protocol, sample, shape, type Wire } from '../../overlay/env/index.ts'
import type { Simulation } from '../engine/index.ts'
import type { Scenario } from './scenario.ts'

/**
 * Whether the simulator itself is in order: a rumour is told to one node and spreads by gossip (Demers et al., "Epidemic
 * Algorithms for Replicated Database Maintenance", 1987, section 1.4) over a network that loses, doubles and reorders, while a
 * tenth of the nodes crash, restart and have to hear it again. In the end everybody knows it, and nobody knows another.
 */
export const smoke: Scenario = {
  name: 'smoke',
  summary: 'a rumour spreads over a bad network while nodes crash and restart',
  nodes: { min: 2, max: 1_000_000, default: 1_000 },
  settings: { latency: 'uniform:20-100' },

  async play({ simulation, nodesCount, progress }) {
    const { network, chance } = simulation
    network.lossShare = 0.05
    network.duplicateShare = 0.01
    const gossips = addGossips(simulation, nodesCount)
    const knowingCount = (): number => count(gossips.values(), (gossip) => gossip.rumour !== undefined)
    simulation.invariant(
      'nobody knows a rumour that was never told',
      () => {
        for (const [id, { rumour }] of gossips)
          if (rumour !== undefined && rumour !== RUMOUR) return `${id} knows ${rumour}`
        return undefined
      },
      { everyMs: GOSSIP_MS },
    )
    simulation.act(0, () => gossips.get(simulation.ids[0]!)!.learn(RUMOUR))
    await simulation.run(3 * GOSSIP_MS)
    progress(`${knowingCount()} of ${nodesCount} know it; crashing some`)

    const unlucky = sample(simulation.ids.slice(1), Math.floor(nodesCount * CRASH_SHARE), chance)
    for (const id of unlucky) simulation.crash(id)
    await simulation.run(2 * GOSSIP_MS)
    for (const id of unlucky) simulation.restart(id)
    const restartedAtMs = simulation.nowMs

    await waitFor(simulation, () => knowingCount() === nodesCount)
    const outcome = `${knowingCount()} of ${nodesCount} know it`
    progress(outcome)
    simulation.demand('everybody hears the rumour in the end', knowingCount() === nodesCount, outcome)
    return {
      smoke: {
        crashedCount: unlucky.length,
        spreadMs: simulation.nowMs - restartedAtMs,
        sentCount: simulation.counts.sent,
        lostCount: simulation.counts.lost,
      },
    }
  },
}

const RUMOUR = 42
const CRASH_SHARE = 0.1
const GOSSIP_MS = 1_000
const CONTACTS_COUNT = 10
const WAIT_MS_MAX = 120_000

interface Rumour {
  readonly type: 'rumour'
  readonly value: number
}
type GossipEnv = Env<Rumour, 'gossip', never>

const rumourShape = shape.union({ rumour: shape.record({ value: shape.integer() }) })
const rumourWire: Wire<Rumour> = {
  id: '/roost/sim-rumour/1',
  messageBytesMax: 64,
  parse: (value) => rumourShape(value, 'rumour'),
}

/** Tells what it knows to one contact a round. */
class Gossip implements Protocol<Rumour, 'gossip', never> {
  rumour: number | undefined
  readonly #contacts: readonly PeerId[]

  constructor(contacts: readonly PeerId[]) {
    this.#contacts = contacts
  }

  learn(rumour: number): void {
    this.rumour = rumour
  }

  start(env: GossipEnv): void {
    env.wakeAfter(env.rng.real() * GOSSIP_MS, 'gossip')
  }

  wake(_timer: 'gossip', env: GossipEnv): void {
    env.wakeAfter(GOSSIP_MS, 'gossip')
    const contact = this.#contacts[env.rng.below(this.#contacts.length)]!
    if (this.rumour !== undefined) env.send(contact, { type: 'rumour', value: this.rumour })
  }

  receive(_from: PeerId, message: Rumour): void {
    this.rumour ??= message.value
  }
}

/** One on each node, each with a few contacts: the next in a circle, so that all are connected, and some at random. */
function addGossips(simulation: Simulation, nodesCount: number): Map<PeerId, Gossip> {
  const gossips = new Map<PeerId, Gossip>()
  const ids = Array.from({ length: nodesCount }, () => simulation.drawId())
  for (const [index, id] of ids.entries()) {
    const contacts = new Set([ids[(index + 1) % nodesCount]!])
    for (let drawn = 1; drawn < CONTACTS_COUNT; drawn++) contacts.add(ids[simulation.chance.below(nodesCount)]!)
    contacts.delete(id)
    const mount = [...contacts]
    simulation.addNode({
      id,
      mount: (node) => {
        const gossip = new Gossip(mount)
        gossips.set(id, gossip)
        node.mount(rumourWire, gossip, () => {})
      },
    })
  }
  return gossips
}

/** Looks once a round: looking at every node after every event would cost more than the run. */
async function waitFor(simulation: Simulation, done: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX && !done(); waitedMs += GOSSIP_MS) await simulation.run(GOSSIP_MS)
}

function count<Item>(items: Iterable<Item>, is: (item: Item) => boolean): number {
  let counted = 0
  for (const item of items) if (is(item)) counted++
  return counted
}
