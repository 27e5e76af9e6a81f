export { SamplingCommons } from './commons.ts'
export { readContact, type Contact } from './contact.ts'
export { ENTRY_COUNT_MAX, samplingWire, type Entries, type SamplingMessage } from './messages.ts'
export { SAMPLING_DEFAULTS, type SamplingOptions } from './options.ts'
export { RateLimit } from './rate-limit.ts'
export {
  Sampling,
  type SamplingDependencies,
  type SamplingEvent,
  type SamplingStart,
  type SamplingTimer,
} from './sampling.ts'
