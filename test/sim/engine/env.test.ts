import { decode, encode } from '../../../node/codec/index.ts'
import { Simulation, type SimulationOptions } from '../../../sim/engine/index.ts'
import { envSuite, type EnvWorld } from '../../suite/env.ts'

const VIRTUAL_BOUND_MS = 120_000

envSuite('the simulator, strict', async () => simulatedWorld({ seed: 1, passage: 'strict' }))
envSuite('the simulator, through the codec', async () => simulatedWorld({ seed: 2, passage: { encode, decode } }))
envSuite('the simulator, on a network that doubles and delays', async () =>
  simulatedWorld({ seed: 3, passage: { encode, decode }, duplicateShare: 0.3 }),
)

function simulatedWorld(options: SimulationOptions): EnvWorld {
  const simulation = new Simulation(options)
  return {
    addNode: async (mount) => {
      const id = simulation.addNode({ mount })
      return { id, crash: async () => simulation.crash(id), stop: async () => simulation.stop(id) }
    },
    stranger: () => simulation.drawId(),
    advance: (ms) => simulation.run(ms),
    until: async (done) => {
      if (!(await simulation.until(done, VIRTUAL_BOUND_MS)))
        throw new Error(`it did not come about within ${VIRTUAL_BOUND_MS} ms of virtual time`)
    },
    close: async () => {},
  }
}
