import { setTimeout as sleep } from 'node:timers/promises'
import { createSurroundings, generateKey } from '../../../node/keys/index.ts'
import type { PeerId, ProtocolHost } from '../../../overlay/index.ts'
import type { EnvWorld, RunningNode } from '../../suite/env.ts'
import { TestGrid } from './grid.ts'

const UNTIL_MS = 10_000

/** The daemon's driver as a world for the promises of `Env`: real nodes, real time. */
export async function makeNetworkWorld(): Promise<EnvWorld> {
  const grid = new TestGrid()
  return {
    async addNode(mount: (node: ProtocolHost) => void): Promise<RunningNode> {
      const key = generateKey()
      const surroundings = createSurroundings(key)
      const { network } = await grid.add({ key, surroundings })
      mount({
        self: network.self,
        surroundings,
        mount: (wire, protocol, onEvent) => network.mount(wire, protocol, onEvent),
        serve: (wire, service) => network.serve(wire, service),
      })
      return {
        id: network.self,
        crash: async () => {
          for (const peer of network.connected()) network.disconnect(peer, 'crash')
          await network.stop()
        },
        stop: () => network.stop(),
      }
    },
    stranger: (): PeerId => generateKey().id,
    advance: async (ms) => void (await sleep(ms + 1)),
    async until(done) {
      const deadlineMs = performance.now() + UNTIL_MS
      while (!done()) {
        if (performance.now() > deadlineMs) throw new Error('waited in vain')
        await sleep(1)
      }
    },
    close: () => grid.stop(),
  }
}
