import { RoostError, shape } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import { decode, encode } from '../codec/index.ts'
import { DURABLE, mapDiskError } from '../data/index.ts'
import type { Store } from '../data/index.ts'
import { sha256 } from '../keys/index.ts'

/** Who redeemed a ticket: a node, and the user that came with it. */
export interface Redeemer {
  readonly node: PeerId
  readonly user?: PeerId | undefined
}

/** Tickets that are kept, open, used or lately expired. A further one is refused with `BUSY` until some have expired. */
export const TICKET_COUNT_MAX = 1_000

/** How long an expired ticket is remembered, so that who comes late hears that and not `TICKET_UNKNOWN`. */
export const EXPIRED_TICKET_KEPT_MS = 7 * 24 * 60 * 60 * 1000

/** Redemptions that wait for the one before; they take a millisecond each. */
const WAITING_COUNT_MAX = 256

const TICKET_BYTES_MAX = 1_024

/**
 * The tickets that this authority has issued, on disk, under the hash of their secret: who reads the disk or a backup of it
 * cannot join with what stands there. One change at a time, each durable before it is told.
 */
export class TicketStore {
  readonly #store: Store
  #last: Promise<unknown> = Promise.resolve()
  #waitingCount = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Keeps a new ticket. Fails with `BUSY` where there are too many, and as `mapDiskError` says. */
  async add(secret: Uint8Array, { expiresAtMs, wallMs }: { expiresAtMs: number; wallMs: number }): Promise<void> {
    await this.#oneAtATime(async () => {
      const keptCount = await this.#prune(wallMs)
      if (keptCount >= TICKET_COUNT_MAX)
        throw new RoostError('BUSY', `${TICKET_COUNT_MAX} tickets are kept already`, {
          hint: 'wait until some of them have expired',
        })
      await this.#store.put(keyOf(secret), encode({ expiresAtMs }), DURABLE)
    })
  }

  /**
   * Marks the ticket as used by this redeemer. The same redeemer may come again until it expires, since the answer to
   * the first time may have been lost. Fails with `TICKET_UNKNOWN`, `TICKET_EXPIRED` or `TICKET_USED`.
   */
  async redeem(secret: Uint8Array, by: Redeemer, { wallMs }: { readonly wallMs: number }): Promise<void> {
    await this.#oneAtATime(async () => {
      const key = keyOf(secret)
      const bytes = await this.#store.get(key)
      if (bytes === undefined) throw new RoostError('TICKET_UNKNOWN', 'this grid has not issued this ticket')
      const ticket = parseTicket(bytes)
      if (ticket.usedBy !== undefined && (ticket.usedBy.node !== by.node || ticket.usedBy.user !== by.user))
        throw new RoostError('TICKET_USED', 'this ticket was used before, by another machine or user')
      if (wallMs >= ticket.expiresAtMs)
        throw new RoostError('TICKET_EXPIRED', `this ticket expired at ${new Date(ticket.expiresAtMs).toISOString()}`)
      if (ticket.usedBy !== undefined) return
      const usedBy = { node: by.node, ...(by.user !== undefined && { user: by.user }) }
      await this.#store.put(key, encode({ expiresAtMs: ticket.expiresAtMs, usedBy }), DURABLE)
    })
  }

  /** Forgets them all. */
  async clear(): Promise<void> {
    await this.#oneAtATime(() => this.#store.clear())
  }

  /** Removes what expired long ago; how many are left. */
  async #prune(wallMs: number): Promise<number> {
    let keptCount = 0
    for await (const [key, bytes] of this.#store.iterator()) {
      if (wallMs > parseTicket(bytes).expiresAtMs + EXPIRED_TICKET_KEPT_MS) await this.#store.del(key)
      else keptCount++
    }
    return keptCount
  }

  async #oneAtATime<Result>(change: () => Promise<Result>): Promise<Result> {
    if (this.#waitingCount >= WAITING_COUNT_MAX) throw new RoostError('BUSY', 'too many tickets are being redeemed')
    this.#waitingCount++
    const mine = this.#last.then(change)
    this.#last = mine.catch(() => undefined)
    try {
      return await mine
    } catch (error) {
      throw mapDiskError(error, 'the store of tickets')
    } finally {
      this.#waitingCount--
    }
  }
}

function keyOf(secret: Uint8Array): string {
  return Buffer.from(sha256(secret)).toString('hex')
}

const storedTicket = shape.record({
  expiresAtMs: shape.integer(),
  usedBy: shape.optional(shape.record({ node: shape.peerId, user: shape.optional(shape.peerId) })),
})

function parseTicket(bytes: Uint8Array): ReturnType<typeof storedTicket> {
  return storedTicket(decode(bytes, { bytesMax: TICKET_BYTES_MAX }), 'stored ticket')
}
