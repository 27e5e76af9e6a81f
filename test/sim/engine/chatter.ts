import type { Env, PeerId, Protocol, Wire } from '../../../overlay/env/index.ts'
import { shape } from '../../../overlay/env/index.ts'
import { Simulation, type NodeHost, type SimulationOptions } from '../../../sim/engine/index.ts'

export interface Saying {
  readonly type: 'saying'
  readonly count: number
}
export type ChatterEnv = Env<Saying, string, string>

const sayingShape = shape.union({ saying: shape.record({ count: shape.integer() }) })

export const chatterWire: Wire<Saying> = {
  id: '/roost/test-chatter/1',
  messageBytesMax: 256,
  parse: (value) => sayingShape(value, 'saying'),
}

/** Says a number to somebody at random now and then, and notes what it hears. */
export class Chatter implements Protocol<Saying, string, string> {
  readonly heard: { readonly from: PeerId; readonly count: number; readonly atMs: number }[] = []
  readonly woken: { readonly timer: string; readonly atMs: number }[] = []
  env!: ChatterEnv
  readonly #peers: () => readonly PeerId[]
  readonly #everyMs: number | undefined
  #saidCount = 0

  constructor(peers: () => readonly PeerId[] = () => [], everyMs?: number) {
    this.#peers = peers
    this.#everyMs = everyMs
  }

  start(env: ChatterEnv): void {
    this.env = env
    if (this.#everyMs !== undefined) env.wakeAfter(env.rng.real() * this.#everyMs, 'chat')
  }

  wake(timer: string, env: ChatterEnv): void {
    if (timer !== 'chat') {
      this.woken.push({ timer, atMs: env.nowMs })
      return
    }
    env.wakeAfter(this.#everyMs!, 'chat')
    const peers = this.#peers().filter((peer) => peer !== env.self)
    if (peers.length > 0) env.send(peers[env.rng.below(peers.length)]!, { type: 'saying', count: ++this.#saidCount })
  }

  receive(from: PeerId, { count }: Saying, env: ChatterEnv): void {
    this.heard.push({ from, count, atMs: env.nowMs })
  }

  say(to: PeerId, count: number): void {
    this.env.send(to, { type: 'saying', count })
  }

  get counts(): number[] {
    return this.heard.map((entry) => entry.count)
  }
}

/** A simulation with `count` nodes that each have a chatter, and the newest chatter of each. */
export function chatterGrid(
  options: SimulationOptions,
  { count, everyMs, also }: { count: number; everyMs?: number; also?: (node: NodeHost, chatter: Chatter) => void },
): { simulation: Simulation; ids: readonly PeerId[]; at: (index: number) => Chatter } {
  const simulation = new Simulation(options)
  const newest = new Map<PeerId, Chatter>()
  for (let index = 0; index < count; index++)
    simulation.addNode({
      mount: (node) => {
        const chatter = new Chatter(() => simulation.ids, everyMs)
        newest.set(node.self, chatter)
        node.mount(chatterWire, chatter, () => {})
        also?.(node, chatter)
      },
    })
  const ids = simulation.ids
  return { simulation, ids, at: (index) => newest.get(ids[index]!)! }
}
