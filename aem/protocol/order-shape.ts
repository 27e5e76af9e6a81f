import { shape, type Shape } from '../../overlay/index.ts'
import {
  ARGUMENTS_COUNT_MAX,
  CORES_MAX,
  ENV_CHARS_MAX,
  ENV_COUNT_MAX,
  NAME_CHARS_MAX,
  PATH_CHARS_MAX,
  RUN_CHARS_MAX,
  STAGE_COUNT_MAX,
} from './description.ts'
import { HOLDERS_COUNT_MAX } from './mandate.ts'
import type { UnitOrder } from './launcher.ts'
import { attemptNumber, jobId, NODES_MAX, unitId, unitIndex } from './shapes.ts'

const path = shape.text(PATH_CHARS_MAX)
const shellText = shape.text(RUN_CHARS_MAX)
const words = shape.list(shape.text(RUN_CHARS_MAX), ARGUMENTS_COUNT_MAX)

export const sha256: Shape<string> = (value, at) => {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw shape.malformed(at, '64 hexadecimal digits')
  return value
}

export const inputFiles = shape.list(shape.record({ name: path, bytes: shape.integer(), sha256 }), STAGE_COUNT_MAX)

/** An order as a node's disk keeps it. */
export const unitOrder: Shape<UnitOrder> = shape.record({
  unitId,
  jobId,
  name: shape.text(NAME_CHARS_MAX),
  index: unitIndex,
  count: shape.integer(1, NODES_MAX),
  attempt: attemptNumber,
  run: (value: unknown, at: string) => (typeof value === 'string' ? shellText(value, at) : words(value, at)),
  env: shape.table(shape.text(ENV_CHARS_MAX), { countMax: ENV_COUNT_MAX, keyCharsMax: ENV_CHARS_MAX }),
  cores: shape.integer(1, CORES_MAX),
  memoryBytes: shape.optional(shape.integer()),
  limits: shape.record({
    timeMs: shape.optional(shape.integer()),
    memoryBytes: shape.optional(shape.integer()),
    processesCount: shape.optional(shape.integer()),
  }),
  isolate: shape.optional(shape.record({ network: shape.boolean })),
  inputs: inputFiles,
  outputs: shape.list(path, STAGE_COUNT_MAX),
  workdir: shape.optional(path),
  controller: shape.peerId,
  holders: shape.optional(shape.list(shape.peerId, HOLDERS_COUNT_MAX)),
  owner: shape.peerId,
  peers: shape.list(shape.peerId, NODES_MAX),
})
