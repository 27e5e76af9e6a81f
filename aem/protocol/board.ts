import {
  RoostError,
  shape,
  SnapshotTable,
  type ApplyContext,
  type Given,
  type PeerId,
  type ReplicatedService,
} from '../../overlay/index.ts'
import { parseJobEvent, type JobEvent } from './events.ts'
import type { JobId } from './ids.ts'
import { mandateShape, type Mandate } from './mandate.ts'
import { jobId } from './shapes.ts'

/**
 * What the replica group of a home keeps: the logs of its jobs, and who may write them. One member at a time holds the board; who takes
 * over gets a higher epoch, and what a former holder still sends is refused. The one truth about a job is what stands here.
 */
export class JobBoard implements ReplicatedService<BoardCommand, BoardReply, Record<string, never>> {
  readonly command = boardCommand
  readonly query = shape.record({}) as shape.Shape<Record<string, never>>
  readonly #rows = new SnapshotTable<Given>(row)
  readonly #hears: BoardHears
  /** How long each log is; made from the rows when it is wanted after a snapshot. */
  #lengths: Map<JobId, number> | undefined = new Map()

  constructor(hears: BoardHears = {}) {
    this.#hears = hears
  }

  /** Whose jobs these are, who may hold them and who does; undefined before `found`. */
  get head(): BoardHead | undefined {
    return this.#rows.get(HEAD) as unknown as BoardHead | undefined
  }

  jobs(): readonly JobId[] {
    return [...this.#lengthsNow().keys()]
  }

  /** The events of a job from this number on. */
  log(id: JobId, from: number): readonly JobEvent[] {
    const events: JobEvent[] = []
    const length = this.#lengthsNow().get(id) ?? 0
    for (let number = from; number <= length; number++) events.push(this.#eventRow(id, number)!.event)
    return events
  }

  apply(command: BoardCommand, { peer, index }: ApplyContext): BoardReply {
    switch (command.type) {
      case 'found':
        return this.#found(command, peer)
      case 'lead':
        return this.#lead(peer, index)
      case 'append':
        return this.#append(command, peer)
      case 'remove':
        return this.#remove(command, peer)
    }
  }

  read(): BoardReply {
    const head = this.head
    return head ? { epoch: head.epoch, ...(head.holder !== undefined && { holder: head.holder }) } : { epoch: 0 }
  }

  snapshot(): Iterable<Given> {
    return this.#rows.snapshot()
  }

  restore(): (chunk: Given) => void {
    const take = this.#rows.restore()
    this.#lengths = undefined
    return (chunk) => {
      take(chunk)
      if (this.head) this.#hears.onHome?.(this.head.mandate.home, this)
    }
  }

  /** By the home itself, once: from then on only whom it named may hold the board. */
  #found({ mandate }: BoardCommand & { type: 'found' }, peer: PeerId): BoardReply {
    const head = this.head
    if (head && peer !== head.mandate.home) throw new RoostError('DENIED', 'only its home says who may hold a board')
    if (peer !== mandate.home) throw new RoostError('DENIED', 'a board is founded by its home')
    this.#setHead({ ...(head ?? { epoch: 0 }), mandate })
    this.#hears.onHome?.(mandate.home, this)
    return this.read()
  }

  #lead(peer: PeerId, index: number): BoardReply {
    const head = this.head
    if (!head) throw new RoostError('CONFLICT', 'this board was not founded yet')
    const { home, holders } = head.mandate
    if (peer !== home && !holders.includes(peer))
      throw new RoostError('DENIED', `${peer} may not hold the board of ${home}`)
    this.#setHead({ ...head, epoch: index, holder: peer })
    return this.read()
  }

  /** Again: nothing. The last event may be replaced by a later word of the holder, who was not told that it landed. */
  #append({ epoch, serial, jobId: id, events }: BoardCommand & { type: 'append' }, peer: PeerId): BoardReply {
    this.#demandHolder(epoch, peer)
    const lengths = this.#lengthsNow()
    const length = lengths.get(id) ?? 0
    const last = this.#eventRow(id, length)
    if (last && last.epoch === epoch && serial <= last.serial)
      throw new RoostError('CONFLICT', 'a later word of the same holder stands there already')
    const first = events[0]?.number ?? 0
    const isNext = events.every((event, at) => event.number === first + at)
    if (!isNext || (first !== length + 1 && !(first === length && last?.epoch === epoch)))
      throw new RoostError('CONFLICT', `event ${first} does not follow event ${length}`)
    for (const event of events) this.#setEvent(id, { epoch, serial, event })
    lengths.set(id, events.at(-1)!.number)
    return this.read()
  }

  #remove({ epoch, jobId: id }: BoardCommand & { type: 'remove' }, peer: PeerId): BoardReply {
    this.#demandHolder(epoch, peer)
    const lengths = this.#lengthsNow()
    for (let number = lengths.get(id) ?? 0; number > 0; number--) this.#rows.delete(keyOf(id, number))
    lengths.delete(id)
    this.#hears.onRemoved?.(id)
    return this.read()
  }

  #demandHolder(epoch: number, peer: PeerId): void {
    const head = this.head
    if (head?.holder === peer && head.epoch === epoch) return
    throw new RoostError('CONTROLLER_SUPERSEDED', `${head?.holder ?? 'nobody'} holds this board`)
  }

  #setHead(head: BoardHead): void {
    this.#rows.set(HEAD, head as unknown as Given)
  }

  #eventRow(id: JobId, number: number): EventRow | undefined {
    return this.#rows.get(keyOf(id, number)) as unknown as EventRow | undefined
  }

  #setEvent(id: JobId, eventRow: EventRow): void {
    this.#rows.set(keyOf(id, eventRow.event.number), eventRow as unknown as Given)
  }

  #lengthsNow(): Map<JobId, number> {
    if (this.#lengths) return this.#lengths
    const lengths = new Map<JobId, number>()
    for (const [key, value] of this.#rows.entries()) {
      if (key === HEAD) continue
      const { number } = (value as unknown as EventRow).event
      const id = key.slice(0, key.indexOf('!'))
      lengths.set(id, Math.max(number, lengths.get(id) ?? 0))
    }
    return (this.#lengths = lengths)
  }
}

/** Events of one append; a job says one thing at a time. */
const APPENDED_COUNT_MAX = 16
const HEAD = 'head'

/** What the node that keeps a replica wants to know of it. Must not throw. */
export interface BoardHears {
  /** Whose board this is, once that is known. */
  readonly onHome?: (home: PeerId, board: JobBoard) => void
  /** A job was forgotten: what is kept with it can go. */
  readonly onRemoved?: (jobId: JobId) => void
}

export interface BoardHead {
  readonly mandate: Mandate
  /** Where in the group's log its holder took it; 0 while nobody has. */
  readonly epoch: number
  readonly holder?: PeerId | undefined
}

interface EventRow {
  readonly epoch: number
  readonly serial: number
  readonly event: JobEvent
}

const epoch = shape.integer(0)
const serial = shape.integer(1)
const event = (value: unknown): JobEvent => parseJobEvent(value)
const headShape = shape.record({ mandate: mandateShape, epoch, holder: shape.optional(shape.peerId) })
const eventRow = shape.record({ epoch, serial, event })
const row = ((value: unknown, path: string) =>
  typeof value === 'object' && value !== null && 'mandate' in value
    ? headShape(value, path)
    : eventRow(value, path)) as unknown as shape.Shape<Given>

const boardCommand = shape.union({
  found: shape.record({ mandate: mandateShape }),
  /** From now on the sender holds the board. */
  lead: shape.record({}),
  append: shape.record({ epoch, serial, jobId, events: shape.list(event, APPENDED_COUNT_MAX) }),
  remove: shape.record({ epoch, jobId }),
})
export type BoardCommand = ReturnType<typeof boardCommand>

/** Who holds the board, and since when. */
export const boardReply = shape.record({ epoch, holder: shape.optional(shape.peerId) })
export type BoardReply = ReturnType<typeof boardReply>

function keyOf(id: JobId, number: number): string {
  return `${id}!${number}`
}
