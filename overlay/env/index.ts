export type {
  AbortSignalLike,
  CallEnv,
  CallOptions,
  CallWire,
  Crypto,
  Env,
  OlderCallWire,
  OlderWire,
  PeerId,
  Plain,
  Protocol,
  ProtocolHost,
  Rng,
  Service,
  Surroundings,
  Wire,
} from './env.ts'
export { pick, rngOf, sample, seededRng, shuffle } from './rng.ts'
export * as shape from './shape.ts'
export type { Shape, ShapeOf } from './shape.ts'
