import {
  GangGathering,
  GangOffers,
  UnitQueue,
  type GangUnit,
  type NodeState,
  type Occupied,
  type UnitRequest,
} from '../../../../aem/protocol/scheduling/index.ts'

/**
 * Some nodes and some gangs in a network that does as it likes: of all that is under way, and all that could happen next, one thing is drawn at
 * a time. News of offers may be lost; requests and answers arrive twice, late, in any order. Whoever asks goes on asking.
 */

export const CORES = 4

export interface Story {
  readonly nodesCount: number
  /** For each gang, the cores that it wants at each of some nodes. */
  readonly gangs: readonly { readonly priority: number; readonly needs: ReadonlyMap<number, number> }[]
  /** Units that start alone: node and cores. */
  readonly alone: readonly { readonly node: number; readonly cores: number }[]
  /** A whole number below the bound, drawn anew each time. */
  readonly chance: (bound: number) => number
}

/** What is planted in place of the real parts. */
export interface Planted {
  readonly queue?: new (...parts: ConstructorParameters<typeof UnitQueue>) => UnitQueue
  readonly offers?: new (...parts: ConstructorParameters<typeof GangOffers>) => GangOffers
}

export interface Told {
  /** Why it went wrong. */
  readonly fault?: string
  readonly stepsCount: number
  /** Rounds of binding that failed. */
  readonly failedRounds: number
}

const STEPS_MAX = 20_000
/** A step in time. Units end when chance has it, often beyond their limit. */
const STEP_MS = 10
const CLAIM_MS = 400 * STEP_MS
const LIMIT_MS = 100 * STEP_MS

/** Plays a story to its end: every gang has run, whole, and no node ever promised more than it has; or it says what went wrong. */
export function tell(story: Story, planted: Planted = {}): Told {
  const model = new Model(story, planted)
  for (let step = 0; step < STEPS_MAX; step++) {
    model.step(step)
    const fault = model.fault()
    if (fault !== undefined) return { fault, stepsCount: step, failedRounds: model.failedRounds }
    if (model.isOver) return { stepsCount: step, failedRounds: model.failedRounds }
  }
  return {
    fault: `not over after ${STEPS_MAX} steps: ${model.waiting()}`,
    stepsCount: STEPS_MAX,
    failedRounds: model.failedRounds,
  }
}

interface Node {
  readonly queue: UnitQueue
  readonly offers: GangOffers
  /** What is promised for good: bound, or running. */
  readonly promised: Map<string, Occupied>
  /** Units that have run here: a node keeps their logs, and takes no request for them. */
  readonly over: Set<string>
}

interface Member {
  readonly name: string
  readonly units: readonly { readonly node: number; readonly request: GangUnit }[]
  readonly gathering: GangGathering
  /** Units of it that still run, once it is placed. */
  runningCount: number
}

class Model {
  readonly #chance: Story['chance']
  readonly #nodes: readonly Node[]
  readonly #gangs: readonly Member[]
  /** What is under way, or could happen. */
  readonly #events: (() => void)[] = []
  #nowMs = 0
  #aloneCount: number

  constructor(
    { nodesCount, gangs, alone, chance }: Story,
    { queue: Queue = UnitQueue, offers: Offers = GangOffers }: Planted,
  ) {
    this.#chance = chance
    this.#nodes = Array.from({ length: nodesCount }, (_, index) => {
      // Users stand differently at each node.
      const factorOf = (owner: string): number => 1 / (1 + ((Number(owner.slice(1)) * 7 + index * 5) % 11))
      const queue = new Queue({ capacity: { cores: CORES, memoryBytes: 0 }, factorOf })
      return { queue, offers: new Offers(queue), promised: new Map<string, Occupied>(), over: new Set<string>() }
    })
    this.#gangs = gangs.map(({ priority, needs }, place) => {
      const base = { owner: `o${place}`, memoryBytes: 0, priority, queuedAtMs: 0, limitMs: LIMIT_MS }
      const units = Array.from(needs, ([node, cores], index) => {
        const gang = { jobId: `j${place}`, sinceMs: 0 }
        return { node, request: { ...base, unitId: `j${place}.${index}`, cores, gang } }
      })
      return { name: `j${place}`, units, gathering: new GangGathering(units.length), runningCount: 0 }
    })
    this.#aloneCount = alone.length
    for (const [index, { node, cores }] of alone.entries()) {
      const unit = {
        unitId: `a${index}`,
        owner: 'o99',
        cores,
        memoryBytes: 0,
        priority: 0,
        limitMs: LIMIT_MS,
        queuedAtMs: 0,
      }
      this.#events.push(() => {
        this.#nodes[node]!.queue.add(unit)
        this.#settle(node)
      })
    }
  }

  get failedRounds(): number {
    return this.#gangs.reduce((sum, { gathering }) => sum + gathering.round - 1, 0)
  }

  get isOver(): boolean {
    const arePlaced = this.#gangs.every(
      ({ gathering, runningCount }) => gathering.phase === 'placed' && runningCount === 0,
    )
    return arePlaced && this.#aloneCount === 0
  }

  step(step: number): void {
    this.#nowMs = step * STEP_MS
    const [eventsCount, gangsCount] = [this.#events.length, this.#gangs.length]
    const draw = this.#chance(eventsCount + gangsCount + this.#nodes.length)
    if (draw < eventsCount) this.#take(draw)()
    else if (draw < eventsCount + gangsCount) this.#askAgain(this.#gangs[draw - eventsCount]!)
    else this.#settle(draw - eventsCount - gangsCount)
  }

  fault(): string | undefined {
    for (const [index, { promised }] of this.#nodes.entries()) {
      let taken = 0
      for (const { cores } of promised.values()) taken += cores
      if (taken > CORES) return `node ${index} promised ${taken} cores to ${[...promised.keys()].join(' ')}`
    }
    return undefined
  }

  waiting(): string {
    const left = this.#gangs.filter(({ gathering }) => gathering.phase !== 'placed')
    return left.map(({ name, gathering }) => `${name} ${gathering.phase}`).join(', ')
  }

  #take(place: number): () => void {
    const event = this.#events[place]!
    this.#events[place] = this.#events.at(-1)!
    this.#events.pop()
    return event
  }

  /** A request, which arrives once or twice; each time it does, its answer is under way. */
  #request(handle: () => () => void): void {
    const arrive = (): void => void this.#events.push(handle())
    this.#events.push(arrive)
    if (this.#chance(4) === 0) this.#events.push(arrive)
  }

  #askAgain(member: Member): void {
    const { gathering, units } = member
    if (gathering.phase !== 'gathering') return
    const { round } = gathering
    for (const [index, { node, request }] of units.entries()) {
      const notBeforeMs = gathering.notBeforeMs(index)
      this.#request(() => {
        const { offers, over } = this.#nodes[node]!
        if (over.has(request.unitId)) return nothing
        const asked = { untilMs: this.#nowMs + CLAIM_MS, round }
        const { isAccepted } = offers.ask(request, notBeforeMs === undefined ? asked : { ...asked, notBeforeMs })
        this.#settle(node)
        const isOffered = offers.isOffered(request.unitId)
        const roomAtMs = offers.roomAtMs(request.unitId, this.#stateOf(node))
        return () => {
          if (roomAtMs !== undefined) gathering.heardRoom(index, roomAtMs)
          if (isAccepted) this.#hear(member, index, isOffered)
          else this.#unbind(member, index, round - 1)
        }
      })
    }
  }

  #hear(member: Member, index: number, isOffered: boolean): void {
    const step = member.gathering.heard(index, isOffered)
    if (step.type === 'bind') for (const each of step.indexes) this.#bind(member, each)
  }

  #bind(member: Member, index: number): void {
    const { gathering, units } = member
    const { node, request } = units[index]!
    const { round } = gathering
    this.#request(() => {
      const { offers, promised, over } = this.#nodes[node]!
      if (over.has(request.unitId)) return nothing
      const isKnown = promised.has(request.unitId)
      const bound = offers.bind(request.unitId, { nowMs: this.#nowMs, round })
      const isBound = typeof bound !== 'string'
      if (isBound && !isKnown) promised.set(request.unitId, this.#occupied(request))
      this.#settle(node)
      return () => {
        const step = gathering.answered(index, { round, isBound })
        if (step.type === 'placed') this.#run(member)
        if (step.type === 'unbind') for (const each of step.indexes) this.#unbind(member, each, round)
      }
    })
  }

  #unbind(member: Member, index: number, round: number): void {
    const { gathering, units } = member
    const { node, request } = units[index]!
    this.#request(() => {
      const { offers, promised } = this.#nodes[node]!
      const isLetGo = offers.unbind(request.unitId, { untilMs: this.#nowMs + CLAIM_MS, round })
      if (isLetGo) promised.delete(request.unitId)
      this.#settle(node)
      return () => void gathering.letGo(index, { round })
    })
  }

  #run(member: Member): void {
    const { units } = member
    member.runningCount = units.length
    for (const { node, request } of units) {
      const { offers, promised, over } = this.#nodes[node]!
      if (!promised.has(request.unitId)) throw new Error(`${request.unitId} runs, and nothing is promised to it`)
      this.#events.push(() => {
        promised.delete(request.unitId)
        over.add(request.unitId)
        offers.finish(request.unitId)
        member.runningCount--
        this.#settle(node)
      })
    }
  }

  #settle(index: number): void {
    const { queue, offers, promised } = this.#nodes[index]!
    const { starts, offered, withdrawn } = offers.settle(this.#stateOf(index))
    for (const request of starts) {
      queue.remove(request.unitId)
      promised.set(request.unitId, this.#occupied(request))
      this.#events.push(() => {
        promised.delete(request.unitId)
        this.#aloneCount--
        this.#settle(index)
      })
    }
    for (const [unitIds, isOffered] of [[offered, true] as const, [withdrawn, false] as const])
      for (const unitId of unitIds) if (this.#chance(3) > 0) this.#events.push(() => this.#news(unitId, isOffered))
  }

  #stateOf(index: number): NodeState {
    const running = [...this.#nodes[index]!.promised.values()]
    const cores = running.reduce((left, unit) => left - unit.cores, CORES)
    return { nowMs: this.#nowMs, running, free: { cores, memoryBytes: 0 } }
  }

  #news(unitId: string, isOffered: boolean): void {
    const [name, index] = unitId.split('.') as [string, string]
    this.#hear(
      this.#gangs.find((each) => each.name === name)!,
      Number(index),
      isOffered,
    )
  }

  #occupied({ unitId, cores }: UnitRequest): Occupied {
    return { unitId, cores, memoryBytes: 0, startedAtMs: this.#nowMs, endsByMs: this.#nowMs + LIMIT_MS }
  }
}

const nothing = (): void => {}
