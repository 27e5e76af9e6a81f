import { RoostError, type PeerId } from '../../overlay/index.ts'
import { inBackground, isStopping, reasonOf, surely } from './background.ts'
import { Calendar } from './calendar.ts'
import { Governors } from './governors.ts'
import { jobIdOf, unitIdOf, type UnitId } from './ids.ts'
import type { RecoveredUnit, UnitExit, UnitOrder } from './launcher.ts'
import { HOLD_MS_MAX, type JobReply, type JobRequest } from './messages.ts'
import type { Capacity, JobPorts, JobWorld } from './ports.ts'
import { EVENTS_COUNT_MAX, shorten } from './shapes.ts'
import { orderOf, readSubmission, SUBMIT_ACTION } from './submission.ts'
import { KILL_AFTER_MS } from './timing.ts'
import type { Assignment } from './unit-log.ts'
import { UnitRecord } from './unit-record.ts'
import { UnitReporter } from './unit-reporter.ts'
import { promiseOf, ROOM_PROMISES_MAX, type Room } from './why/index.ts'

type Asked<Type extends JobRequest['type']> = Extract<JobRequest, { type: Type }>

/** The most units that a node knows of at once, ended ones included; beyond it none is confirmed. */
export const UNITS_COUNT_MAX = 10_000

/** How many ended units keep their sandbox and output; the oldest go first, once their controllers know how they ended. */
export const UNITS_KEPT_MAX = 1_000

/**
 * The node's side of jobs. A unit lives here in the steps of its log (`unit-log.ts`), each on disk before anything is done about it:
 *
 * - *held*, in memory and for a time, while its controller gathers the gang;
 * - *confirmed*: its cores are promised until the controller says start or stop. The node may not go back on that by itself, which is what
 *   lets a gang start whole. Here the user's signature is checked, and the order made from what was signed;
 * - *starting*: from here on it counts as run. A start that comes again, before or after a restart, finds this in the log;
 * - *exited*, or *released* if it never started: reported to the controller until that has it on disk.
 *
 * Only who controls the jobs of the unit's home may confirm, start, stop or read it (`governors.ts`).
 */
export class UnitHost {
  readonly #world: JobWorld
  readonly #ports: JobPorts
  readonly #calendar: Calendar
  readonly #governors: Governors
  readonly #reporter: UnitReporter
  readonly #units = new Map<UnitId, UnitRecord>()
  /** Confirmations whose log is being written; all else about these units waits for it. */
  readonly #confirming = new Map<UnitId, Promise<JobReply>>()
  #isDraining = false

  constructor(world: JobWorld, ports: JobPorts) {
    this.#world = world
    this.#ports = ports
    this.#calendar = new Calendar(ports.capacity)
    this.#governors = new Governors(ports.governors, world.surroundings.crypto, (home) => this.#isOf(home))
    this.#reporter = new UnitReporter(world, {
      controllerOf: (unit) => this.#governors.of(unit.order.controller),
      governed: (from, home, right) => this.#governors.govern(from, { home, ...right }),
      giveUp: (unit, reason) => this.#end(unit, reason),
    })
  }

  get free(): Capacity {
    return this.#calendar.free(this.#world.surroundings.nowMs)
  }

  /** What is promised to whom, and until when. */
  get room(): Room {
    const promises = [...this.#units.values()].filter((unit) => !unit.hasEnded).slice(0, ROOM_PROMISES_MAX)
    const startOf = ({ news }: UnitRecord): number | undefined => news.find(({ type }) => type === 'started')?.atMs
    return {
      capacity: this.#ports.capacity,
      free: this.free,
      promises: promises.map((unit) => promiseOf(unit.order, startOf(unit))),
    }
  }

  get runningCount(): number {
    let count = 0
    for (const { status } of this.#units.values())
      if (status.phase === 'starting' || status.phase === 'running') count++
    return count
  }

  /** Holds nothing more: this node is about to go down. Gangs that it is held for still start. */
  drain(): void {
    this.#isDraining = true
  }

  get(unitId: UnitId): UnitRecord | undefined {
    return this.#units.get(unitId)
  }

  /** Takes up the units of an earlier life, before anything is answered. */
  async recover(): Promise<void> {
    const { surroundings, sleep } = this.#world
    await this.#governors.recover()
    for (const unitId of await this.#ports.units.list()) {
      const events = await this.#ports.units.read(unitId, 1)
      if (events.length > 0) this.#units.set(unitId, new UnitRecord(events, this.#ports.units, surroundings, sleep))
    }
    const found = new Map((await this.#ports.launcher.recover()).map((unit) => [unit.order.unitId, unit]))
    for (const unit of this.#units.values()) {
      if (!unit.hasEnded) this.#calendar.restore(unit.id, needOf(unit.order))
      if (!unit.hasEnded) inBackground(this.#world, unit.id, this.#resume(unit, found.get(unit.id)))
      if (!unit.status.isSettled) this.#report(unit)
    }
    for (const { order, state } of found.values()) {
      if (this.#units.has(order.unitId) || state !== 'running') continue
      this.#world.trouble(order.unitId, new RoostError('INTERNAL', 'a process runs for a unit that has no log here'))
      inBackground(this.#world, order.unitId, this.#ports.launcher.signal(order.unitId, 'KILL'))
    }
  }

  hold(_from: PeerId, { unitId, cores, memoryBytes, holdMs }: Asked<'hold'>): JobReply {
    const unit = this.#units.get(unitId)
    if (unit?.hasEnded) return refused('the unit is over')
    if (this.#isDraining) return refused('the node is going down')
    const { nowMs } = this.#world.surroundings
    const untilMs = nowMs + Math.min(holdMs, HOLD_MS_MAX)
    const reason = this.#calendar.hold(unitId, { cores, memoryBytes }, { nowMs, untilMs })
    return reason === undefined ? { type: 'held' } : refused(reason)
  }

  async confirm(from: PeerId, assignment: Asked<'confirm'>): Promise<JobReply> {
    const unitId = unitIdOf(assignment.jobId, assignment.attempt, assignment.index)
    await this.#confirming.get(unitId)?.catch(() => undefined)
    const known = this.#units.get(unitId)
    if (known) {
      this.#demand(known, from)
      return known.status.phase === 'released' ? refused('it was stopped') : { type: 'confirmed' }
    }
    const order = this.#orderFor(from, assignment)
    if (this.#units.size >= UNITS_COUNT_MAX) return refused('the node keeps too many units already')
    const reason = this.#calendar.confirm(unitId, needOf(order), this.#world.surroundings.nowMs)
    if (reason !== undefined) return refused(reason)
    const confirming = this.#admit(order)
    this.#confirming.set(unitId, confirming)
    try {
      return await confirming
    } finally {
      this.#confirming.delete(unitId)
    }
  }

  async start(from: PeerId, { unitId }: Asked<'start'>): Promise<JobReply> {
    await this.#confirming.get(unitId)?.catch(() => undefined)
    const unit = this.#units.get(unitId)
    if (!unit) return refused('nothing is confirmed for it')
    this.#demand(unit, from)
    const isFirst = await unit.append(({ phase }) => (phase === 'confirmed' ? { type: 'starting' } : undefined))
    if (isFirst) this.#launch(unit)
    return unit.status.phase === 'released' ? refused('it was stopped') : { type: 'noted' }
  }

  async stop(from: PeerId, { unitId, reason }: Asked<'stop'>): Promise<JobReply> {
    await this.#confirming.get(unitId)?.catch(() => undefined)
    const unit = this.#units.get(unitId)
    if (!unit) {
      this.#calendar.release(unitId)
      return { type: 'noted' }
    }
    this.#demand(unit, from)
    await this.#end(unit, reason)
    return { type: 'noted' }
  }

  async events(from: PeerId, request: Asked<'unit-events'>): Promise<JobReply> {
    await this.#confirming.get(request.unitId)?.catch(() => undefined)
    const unit = this.#units.get(request.unitId)
    if (!unit) throw new RoostError('UNIT_NOT_FOUND', `${this.#world.surroundings.self} has no unit ${request.unitId}`)
    this.#demand(unit, from)
    const events = unit.news.filter((event) => event.number >= request.from).slice(0, EVENTS_COUNT_MAX)
    return { type: 'events', events }
  }

  /** The launcher says that a unit's process is over; it may say so twice. */
  exited(unitId: UnitId, exit: UnitExit): void {
    const unit = this.#units.get(unitId)
    if (unit) inBackground(this.#world, unitId, this.#noteExit(unit, exit))
  }

  /** A node is back: what it has not been told yet, it is told now. */
  nodeIsBack(node: PeerId): void {
    for (const unit of this.#units.values())
      if (this.controllerOf(unit.order.controller) === node) unit.reporting.poke()
  }

  /** Who controls the jobs of a home, as far as this node was told. */
  controllerOf(home: PeerId): PeerId {
    return this.#governors.of(home)
  }

  async govern(from: PeerId, word: Asked<'govern'>): Promise<JobReply> {
    await this.#governors.govern(from, word)
    this.nodeIsBack(from)
    return { type: 'noted' }
  }

  /** What the user signed, made into an order; every refusal is an error that says why. */
  #orderFor(from: PeerId, assignment: Assignment): UnitOrder {
    const { self, crypto } = this.#world.surroundings
    const { index, peers, controller, jobId, statement } = assignment
    this.#governors.demand(controller, from)
    if (peers[index] !== self) throw new RoostError('DENIED', `unit ${index} is not meant for ${self}`)
    if (jobIdOf(statement, crypto) !== jobId) throw new RoostError('DENIED', 'the job id is not that of the statement')
    const { owner, body } = this.#ports.check(statement, SUBMIT_ACTION, { fresh: false })
    const submission = readSubmission(body)
    if (submission.controller !== controller)
      throw new RoostError('DENIED', `the user signed this job for ${submission.controller} to control`)
    if (submission.description.nodes !== peers.length)
      throw new RoostError('DENIED', `the user asked for ${submission.description.nodes} units, not ${peers.length}`)
    return orderOf(submission, owner, assignment)
  }

  async #admit(order: UnitOrder): Promise<JobReply> {
    const { surroundings, sleep } = this.#world
    const event = { type: 'confirmed', order, number: 1, atMs: Math.floor(surroundings.wallMs) } as const
    try {
      await this.#ports.units.append(order.unitId, [event])
    } catch (thrown) {
      // It may be on the disk all the same, and would claim its cores after a restart: they are free once it surely is not.
      await surely(this.#world, order.unitId, () => this.#ports.units.remove(order.unitId))
      this.#calendar.release(order.unitId)
      throw thrown
    }
    const unit = new UnitRecord([event], this.#ports.units, surroundings, sleep)
    this.#units.set(order.unitId, unit)
    this.#report(unit)
    return { type: 'confirmed' }
  }

  #launch(unit: UnitRecord): void {
    const launching = this.#ports.launcher.start(unit.order).then(
      () => this.#noteStart(unit),
      (thrown: unknown) => {
        // The daemon stops while it prepares the unit: the next life starts it.
        if (isStopping(thrown) && unit.status.stopping === undefined) return undefined
        return this.#noteExit(unit, { kind: 'unstartable', reason: shorten(reasonOf(thrown)) })
      },
    )
    inBackground(this.#world, unit.id, launching)
  }

  async #noteStart(unit: UnitRecord): Promise<void> {
    await surely(this.#world, unit.id, () =>
      unit.append(({ phase }) => (phase === 'starting' ? { type: 'started' } : undefined)),
    )
    this.#report(unit)
    // Told to end while it was being started: there was no process yet that could have heard it.
    if (unit.status.stopping !== undefined && !unit.hasEnded) await this.#ports.launcher.signal(unit.id, 'TERM')
  }

  async #noteExit(unit: UnitRecord, exit: UnitExit): Promise<void> {
    await surely(this.#world, unit.id, () =>
      unit.append((status) => (unit.hasEnded || status.phase === 'confirmed' ? undefined : { type: 'exited', exit })),
    )
    this.#over(unit)
  }

  /** Ends a unit, whatever it is doing: durable when it resolves, over when its log says so. */
  async #end(unit: UnitRecord, reason: string): Promise<void> {
    await unit.append(({ phase, stopping }) => {
      if (phase === 'confirmed') return { type: 'released', reason: shorten(reason) }
      return unit.hasEnded || stopping !== undefined ? undefined : { type: 'stopping', reason: shorten(reason) }
    })
    if (unit.hasEnded) this.#over(unit)
    else inBackground(this.#world, unit.id, this.#kill(unit))
  }

  async #kill(unit: UnitRecord): Promise<void> {
    if (unit.isKilling) return
    unit.isKilling = true
    for (let signal = 'TERM'; !unit.hasEnded; signal = 'KILL') {
      inBackground(this.#world, unit.id, this.#ports.launcher.signal(unit.id, signal))
      await this.#world.sleep(KILL_AFTER_MS)
    }
  }

  #over(unit: UnitRecord): void {
    this.#calendar.release(unit.id)
    this.#report(unit)
  }

  #report(unit: UnitRecord): void {
    inBackground(
      this.#world,
      unit.id,
      this.#reporter.report(unit).then(() => this.#prune()),
    )
  }

  /** Brings log and processes together after a restart. */
  async #resume(unit: UnitRecord, found: RecoveredUnit | undefined): Promise<void> {
    const { phase, stopping } = unit.status
    if (phase === 'confirmed') return
    if (found?.state === 'exited' && found.exit) return this.#noteExit(unit, found.exit)
    if (found?.state === 'running') {
      if (stopping !== undefined) inBackground(this.#world, unit.id, this.#kill(unit))
      return this.#noteStart(unit)
    }
    if (phase === 'running') return this.#noteExit(unit, { kind: 'vanished', reason: 'no trace of it after a restart' })
    if (stopping !== undefined) return this.#noteExit(unit, { kind: 'unstartable', reason: `stopped: ${stopping}` })
    this.#launch(unit)
  }

  #demand(unit: UnitRecord, from: PeerId): void {
    this.#governors.demand(unit.order.controller, from)
  }

  #isOf(home: PeerId): boolean {
    for (const unit of this.#units.values()) if (unit.order.controller === home) return true
    return false
  }

  async #prune(): Promise<void> {
    if (this.#units.size <= UNITS_KEPT_MAX) return
    const settled = [...this.#units.values()].filter((unit) => unit.status.isSettled)
    for (const unit of settled.slice(0, Math.max(0, settled.length - UNITS_KEPT_MAX))) {
      this.#units.delete(unit.id)
      await this.#ports.launcher.forget(unit.id)
      await this.#ports.units.remove(unit.id)
    }
  }
}

function needOf(order: UnitOrder): Capacity {
  return { cores: order.cores, memoryBytes: order.memoryBytes ?? 0 }
}

function refused(reason: string): JobReply {
  return { type: 'refused', reason: shorten(reason) }
}
