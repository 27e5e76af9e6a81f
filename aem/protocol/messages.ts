import { shape, type CallWire } from '../../overlay/index.ts'
import { mandateShape } from './mandate.ts'
import { CORES_MAX } from './description.ts'
import { EVENTS_COUNT_MAX, eventNumber, REASON_CHARS_MAX, unitId, wallMs } from './shapes.ts'
import { assignmentFields, laterUnitEvents, type UnitEvent } from './unit-log.ts'

/**
 * What controllers and nodes say to each other about units. A controller asks a node to `hold` room (in memory, for a time), to
 * `confirm` (on disk, until it is told to start or to stop), to `start`, to `stop`, and reads `unit-events`. A node sends its controller
 * `unit-report`; who took over says so with `govern`. Every one may arrive twice, or late: each names the one unit of one attempt that it is about.
 */
export type JobRequest = ReturnType<typeof request>
export type JobReply = ReturnType<typeof reply>

/** How long a hold may be asked for. Longer survives slower placing, but lets a dead controller block the node longer. */
export const HOLD_MS_MAX = 60_000

/** The assignment (a thousand peer ids and a signed statement) is the longest part of any message. */
const MESSAGE_BYTES_MAX = 256 * 1024

/** An event of a unit's log as it travels: the controller knows the order, it made it. */
export type UnitNews = ReturnType<typeof unitNews>

const reason = shape.text(REASON_CHARS_MAX)

const unitNews = shape.union({
  confirmed: shape.record({ number: eventNumber, atMs: wallMs }),
  ...laterUnitEvents,
})

/** The event without its order. */
export function newsOf(event: UnitEvent): UnitNews {
  return event.type === 'confirmed' ? { type: event.type, number: event.number, atMs: event.atMs } : event
}

/** By what right somebody controls a home's jobs. */
const right = { epoch: shape.integer(1), mandate: shape.optional(mandateShape) } as const

const news = shape.list(unitNews, EVENTS_COUNT_MAX)

const request = shape.union({
  /** Answered `held` or `refused`. Again for the same unit: the hold begins anew. */
  hold: shape.record({
    unitId,
    cores: shape.integer(1, CORES_MAX),
    memoryBytes: shape.integer(),
    holdMs: shape.integer(1, HOLD_MS_MAX),
  }),
  /** Answered `confirmed` or `refused`; only a unit that is held is confirmed. */
  confirm: shape.record(assignmentFields),
  /** Answered `noted`, or `refused` where the unit is not confirmed here or was stopped. */
  start: shape.record({ unitId }),
  /** Answered `noted`, whatever the unit is doing: held or confirmed, it is let go; running, it is told to end. */
  stop: shape.record({ unitId, reason }),
  /** Answered `events`, or `UNIT_NOT_FOUND`. */
  'unit-events': shape.record({ unitId, from: eventNumber }),
  /** To who controls the home's jobs. Answered `noted` when it is in the job's log, or `given-up`: the unit is to end. Without a
   * home it is the one who is told. */
  'unit-report': shape.record({ unitId, home: shape.optional(shape.peerId), events: news }),
  /** To a node, by who controls the jobs of a home from now on. Answered `noted` once it is on the node's disk. */
  govern: shape.record({ home: shape.peerId, ...right }),
  /** By a node whose controller does not answer. Answered `controls` by who controls the home's jobs, else `CONTROLLER_SUPERSEDED`. */
  'who-controls': shape.record({ home: shape.peerId }),
})

const reply = shape.union({
  held: shape.record({}),
  confirmed: shape.record({}),
  noted: shape.record({}),
  refused: shape.record({ reason }),
  'given-up': shape.record({ reason }),
  events: shape.record({ events: news }),
  controls: shape.record(right),
})

export const jobWire: CallWire<JobRequest, JobReply> = {
  id: '/roost/aem/1',
  messageBytesMax: MESSAGE_BYTES_MAX,
  parseRequest: (value) => request(value, 'request'),
  parseReply: (value) => reply(value, 'reply'),
}
