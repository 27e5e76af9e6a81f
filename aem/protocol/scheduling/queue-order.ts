import { Heap } from './heap.ts'
import type { UnitRequest } from './request.ts'

/**
 * In which order a node takes what waits there. Priority first. Among equals the sum of two things, as in Slurm's multifactor plugin: the
 * owner's fair-share factor, from 0 to 1, and how long the unit has waited, in `AGE_MS`. Waiting is not capped, so that of its
 * priority only those come before a unit that came less than `AGE_MS` after it, however others fare. All wait at the same pace, so the
 * sum needs no clock. What is still equal is told apart by the unit's id: the order never depends on who came to the node first.
 *
 * Fair share differs from node to node. Two gangs that wait at the same two nodes must stand in the same order at both, or each
 * would hold what the other waits for; so the places that units of gangs have by the above are given out among these by
 * `compareGangs`, which all nodes agree on. Units that start alone keep their places, and have as many before them.
 */
export function inOrder(requests: readonly UnitRequest[], factorOf: (owner: string) => number): readonly UnitRequest[] {
  const order = new QueueOrder(requests, factorOf)
  return Array.from({ length: requests.length }, () => order.next()!)
}

/** The same, taken from the front one by one: who looks only for those that can start need not have all of them sorted. */
export class QueueOrder implements Order {
  readonly #places: Heap<Place>
  readonly #gangs: Heap<UnitRequest>

  constructor(requests: readonly UnitRequest[], factorOf: (owner: string) => number) {
    const factors = new Map<string, number>()
    const places = requests.map((request): Place => {
      let factor = factors.get(request.owner)
      if (factor === undefined) factors.set(request.owner, (factor = factorOf(request.owner)))
      return { request, merit: factor - request.queuedAtMs / AGE_MS }
    })
    const gangs = requests.filter(({ gang }) => gang !== undefined)
    this.#places = new Heap(comparePlaces, places)
    this.#gangs = new Heap(compareGangs, gangs)
  }

  next(): UnitRequest | undefined {
    const request = this.#places.pop()?.request
    return request?.gang ? this.#gangs.pop() : request
  }

  /** Places of gangs stay, since it is not yet known who has them. */
  keep(isWanted: (request: UnitRequest) => boolean): void {
    this.#places.keep(({ request }) => request.gang !== undefined || isWanted(request))
  }
}

/** Requests in the order in which they are to be considered. */
export interface Order {
  /** The next, which it is rid of. */
  next(): UnitRequest | undefined
  /** From here on, others may be left out. */
  keep(isWanted: (request: UnitRequest) => boolean): void
}

/** An order that is known. */
export function listed(requests: readonly UnitRequest[]): Order {
  let place = 0
  return { next: () => requests[place++], keep: () => {} }
}

interface Place {
  readonly request: UnitRequest
  readonly merit: number
}

function comparePlaces(one: Place, other: Place): number {
  return (
    other.request.priority - one.request.priority ||
    other.merit - one.merit ||
    compareTexts(one.request.unitId, other.request.unitId)
  )
}

/** Which of two units of gangs comes first, at every node: the higher priority, then the older gang, then the lower job id. */
export function compareGangs(one: UnitRequest, other: UnitRequest): number {
  return (
    other.priority - one.priority ||
    (one.gang?.sinceMs ?? 0) - (other.gang?.sinceMs ?? 0) ||
    compareTexts(one.gang?.jobId ?? '', other.gang?.jobId ?? '') ||
    compareTexts(one.unitId, other.unitId)
  )
}

/**
 * The wait that outweighs the difference between who used nothing and who used everything. Longer is fairer between users, and lets those
 * who used much wait longer while others keep coming.
 */
export const AGE_MS = 24 * 3_600_000

function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
