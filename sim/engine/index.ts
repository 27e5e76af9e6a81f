export { chanceFor, type Purpose } from './chance.ts'
export { unheard } from './protocol-env.ts'
export { ANSWERS_OPEN_MAX } from './conversations.ts'
export type { Disk } from './disk.ts'
export { DiskTimers, diskWire } from './disk-timers.ts'
export { HELD_COUNT_MAX, type PausedNetwork } from './held.ts'
export type { Check } from './invariants.ts'
export type { Counts } from './kernel.ts'
export {
  constantLatency,
  coordinateLatency,
  LATENCY_MS_MAX,
  parseLatency,
  uniformLatency,
  type CoordinateLatencyOptions,
  type Latency,
  type LatencyByIndex,
  type LatencyByName,
  type LatencyModel,
} from './latency.ts'
export type { Network, NetworkOptions } from './network.ts'
export type { Mount, NodeHost } from './node.ts'
export type { Codec } from './passage.ts'
export { EVENTS_PENDING_MAX, Simulation, type NodeOptions, type SimulationOptions } from './simulation.ts'
export type { Traffic } from './traffic.ts'
