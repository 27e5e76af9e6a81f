import { Readable } from 'node:stream'
import { createReadStream } from 'node:fs'
import { asRoostError, RoostError, type Crypto, type PeerId } from '../../overlay/index.ts'
import type { Caller } from '../../overlay/contract/index.ts'
import { findOutput, listOutputs, readOutput, type LocalLauncher } from '../execution/index.ts'
import {
  publicEvent,
  type CheckStatement,
  type JobEvent,
  type JobId,
  type JobService,
  type JobView,
  type UnitId,
} from '../protocol/index.ts'
import type { InputFiles } from '../store/index.ts'
import { boundedJson } from './bounded-body.ts'
import type { Boards } from './boards.ts'
import type { Controllers } from './controllers.ts'
import type { JobsElsewhere } from './elsewhere.ts'
import { ownJob, passedOn, publicJob, type Readers, type Reading } from './readers.ts'
import { eventStream, jsonLines, type Growth } from './event-stream.ts'
import { filterJobs } from './job-filter.ts'
import {
  jobSchema,
  type EventsQuery,
  type Job,
  type JobList,
  type JobListQuery,
  type JobSummary,
  type OutputFiles,
  type OutputQuery,
} from './schemas.ts'
import { decodeStatement } from './statement.ts'
import { copyInputs, formOf, readForm, submitJob } from './submission.ts'

/** A job of a thousand units, each with a reason. */
const JOB_BYTES_MAX = 4_194_304

/** Jobs in one list; there may be more, and these are the newest. */
const JOBS_LISTED_MAX = 1_000

/** Who controls the jobs of this node may change while one is submitted; not again and again. */
const HOLDER_TRIES = 4

export interface JobsDependencies {
  readonly self: PeerId
  readonly service: JobService
  readonly launcher: LocalLauncher
  readonly inputs: InputFiles
  readonly controllers: Controllers
  readonly boards: Boards
  readonly growth: Growth
  readonly check: CheckStatement
  readonly readers: Readers
  readonly crypto: Pick<Crypto, 'hash'>
  readonly elsewhere: JobsElsewhere
}

/** A request that may have to be asked elsewhere. */
export interface Asking extends Reading {
  readonly caller: Caller
  readonly signal: AbortSignal
}

/**
 * What the routes do. A job is answered for by its controller: a node that is not it asks there, in the caller's place, and
 * a node that is asked by another asks nobody further, so that no request goes round.
 */
export class Jobs {
  readonly #dependencies: JobsDependencies

  constructor(dependencies: JobsDependencies) {
    this.#dependencies = dependencies
  }

  /** A job that is submitted here while another node controls this one's jobs is handed on to it. */
  async submit(request: Request, { caller, signal }: Asking): Promise<JobId> {
    const { boards, self, controllers } = this.#dependencies
    const form = await readForm(request)
    if (caller.via === 'peer' || !boards.keepsCopies) return (await submitJob(form, this.#dependencies)).id
    for (let triesLeft = HOLDER_TRIES; ; triesLeft--)
      try {
        const holder = await boards.ownHolder()
        if (holder === self) return (await submitJob(form, this.#dependencies)).id
        const response = await controllers.ask(holder, '/jobs', { method: 'POST', body: formOf(form), signal })
        return ((await boundedJson(response, JOB_BYTES_MAX)) as { id: JobId }).id
      } catch (thrown) {
        // It changed hands at this very moment, and nobody has taken the job.
        if (triesLeft === 0 || asRoostError(thrown).code !== 'CONTROLLER_SUPERSEDED') throw thrown
      }
  }

  /** Keeps a copy of a job's input files, for a home whose board this node keeps. */
  async copy(request: Request, { caller }: Asking): Promise<void> {
    const { boards } = this.#dependencies
    const { statement, files } = await readForm(request)
    await copyInputs({ statement, files }, this.#dependencies, (home) => {
      if (caller.peer !== undefined && boards.holdersOf(home).includes(caller.peer)) return
      throw new RoostError('DENIED', `no copies of the jobs of ${home} are kept here`)
    })
  }

  async list(query: JobListQuery, { caller }: Asking): Promise<JobList> {
    const { service, controllers } = this.#dependencies
    const own = service.views().filter(filterJobs(query)).map(summaryOf)
    const isAsked = caller.via === 'peer'
    const nodes = isAsked ? [] : await controllers.of(query.user)
    const { answers, unreached } = await controllers.list(query, nodes)
    const jobs = [...own, ...answers.flatMap(({ list }) => list.jobs)].toSorted(
      (one, other) => other.submittedAtMs - one.submittedAtMs,
    )
    return {
      jobs: jobs.slice(0, JOBS_LISTED_MAX),
      unreached,
      isWhole: jobs.length <= JOBS_LISTED_MAX && answers.every(({ list }) => list.isWhole),
    }
  }

  async show(prefix: string, asking: Asking): Promise<Job> {
    const { service, readers } = this.#dependencies
    const place = await this.#place(prefix, asking)
    if (place.controller === undefined) {
      const view = service.view(place.id)!
      return readers.mayRead(view, asking) ? ownJob(view) : publicJob(view)
    }
    const response = await this.#dependencies.elsewhere.ask(place.id, `/jobs/${place.id}`, passedOn(asking))
    return jobSchema.parse(await boundedJson(response, JOB_BYTES_MAX))
  }

  async events(prefix: string, query: EventsQuery, asking: Asking): Promise<ReadableStream<Uint8Array>> {
    const { service, growth, elsewhere, self } = this.#dependencies
    const { id, controller } = await this.#place(prefix, asking)
    if (controller !== undefined) {
      if (!query.follow) return jsonLines(() => eachOf(elsewhere.events(id, query.from, asking.signal)), asking.signal)
      // Asked once before the first byte, so that a controller that cannot be reached is told as such.
      await elsewhere.events(id, query.from, asking.signal)
      return jsonLines((signal) => elsewhere.follow(id, controller, query.from, signal), asking.signal)
    }
    return jsonLines(async function* (signal) {
      let next = query.from
      try {
        const events = eventStream(id, (from) => service.events(id, from), growth, { ...query, signal })
        for await (const event of events) {
          next = event.number + 1
          yield publicEvent(event)
        }
      } catch (thrown) {
        // Another node controls it now.
        if (!query.follow || asking.caller.via === 'peer' || asRoostError(thrown).code !== 'JOB_NOT_FOUND') throw thrown
        yield* elsewhere.follow(id, self, next, signal)
      }
    }, asking.signal)
  }

  async cancel(prefix: string, statement: Uint8Array, asking: Asking): Promise<Job> {
    const { service } = this.#dependencies
    const place = await this.#place(prefix, asking)
    if (place.controller === undefined) return ownJob(await service.cancel(place.id, decodeStatement(statement)))
    const response = await this.#dependencies.elsewhere.ask(place.id, `/jobs/${place.id}/cancel`, {
      method: 'POST',
      headers: { 'content-type': 'application/cbor' },
      body: statement as Uint8Array<ArrayBuffer>,
      signal: asking.signal,
    })
    return jobSchema.parse(await boundedJson(response, JOB_BYTES_MAX))
  }

  /** Only for nodes that run a unit of the job: what the user gave is nobody else's. */
  async input(id: JobId, name: string, { caller }: Asking): Promise<ReadableStream<Uint8Array>> {
    const { service, inputs, boards } = this.#dependencies
    const view = service.view(id) ?? boards.view(id)
    if (view === undefined) throw new RoostError('JOB_NOT_FOUND', `this node does not control a job ${id}`)
    const isOurs = caller.via === 'peer' && view.units.some((unit) => unit.node === caller.peer)
    if (!isOurs) throw new RoostError('DENIED', 'input files are for the nodes that run the job')
    const input = view.inputs.find((file) => file.name === name)
    if (input === undefined)
      throw new RoostError('RECORD_NOT_FOUND', `the job has no input file ${JSON.stringify(name)}`)
    return inputs.read(id, input)
  }

  async output(prefix: string, index: number, query: OutputQuery, asking: Asking): Promise<ReadableStream<Uint8Array>> {
    const path = `/output?stream=${query.stream}&from=${query.from}&follow=${query.follow}`
    return this.#atUnit(prefix, index, asking, path, (unitId) => this.unitOutput(unitId, query, asking))
  }

  async files(prefix: string, index: number, asking: Asking): Promise<OutputFiles> {
    const stream = await this.#atUnit(prefix, index, asking, '/files', async (unitId) =>
      bodyOf(Response.json(await this.unitFiles(unitId, asking))),
    )
    return (await new Response(stream).json()) as OutputFiles
  }

  async file(prefix: string, index: number, name: string, asking: Asking): Promise<ReadableStream<Uint8Array>> {
    const path = `/files/${encodeURIComponent(name)}`
    return this.#atUnit(prefix, index, asking, path, (unitId) => this.unitFile(unitId, name, asking))
  }

  /** These three are of units that this very node ran. */
  async unitOutput(unitId: UnitId, query: OutputQuery, asking: Asking): Promise<ReadableStream<Uint8Array>> {
    const { launcher } = this.#dependencies
    const { signal } = asking
    this.#demandReader(unitId, asking)
    const file = launcher.directoryOf(unitId).stream(query.stream)
    return readOutput(file, {
      from: query.from,
      signal,
      ...(query.follow && { untilEnded: launcher.whenEnded(unitId) }),
    })
  }

  async unitFiles(unitId: UnitId, asking: Asking): Promise<OutputFiles> {
    const { launcher } = this.#dependencies
    this.#demandReader(unitId, asking)
    return listOutputs(launcher.directoryOf(unitId).work, launcher.orderOf(unitId)?.outputs ?? [])
  }

  async unitFile(unitId: UnitId, name: string, asking: Asking): Promise<ReadableStream<Uint8Array>> {
    const { launcher } = this.#dependencies
    this.#demandReader(unitId, asking)
    const outputs = launcher.orderOf(unitId)?.outputs ?? []
    const file = await findOutput(launcher.directoryOf(unitId).work, outputs, name)
    return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>
  }

  /** What a unit has left here is its owner's; one that has left nothing is `UNIT_NOT_FOUND`. */
  #demandReader(unitId: UnitId, asking: Asking): void {
    const { launcher, readers } = this.#dependencies
    const order = launcher.orderOf(unitId)
    if (order !== undefined) readers.demand({ id: order.jobId, owner: order.owner }, asking)
    else launcher.directoryOf(unitId)
  }

  /** Which job, and who controls it where it is not this node. */
  async #place(prefix: string, { caller }: Asking): Promise<{ id: JobId; controller?: PeerId }> {
    try {
      return { id: this.#dependencies.service.resolve(prefix) }
    } catch (thrown) {
      const isElsewhere = thrown instanceof RoostError && thrown.code === 'JOB_NOT_FOUND' && caller.via !== 'peer'
      if (!isElsewhere) throw thrown
      const id = this.#dependencies.boards.idOf(prefix)
      return this.#dependencies.controllers.resolve(id ?? prefix, { isThere: id !== undefined })
    }
  }

  async #atUnit(
    prefix: string,
    index: number,
    asking: Asking,
    path: string,
    here: (unitId: UnitId) => Promise<ReadableStream<Uint8Array>>,
  ): Promise<ReadableStream<Uint8Array>> {
    const { self, controllers } = this.#dependencies
    const job = await this.show(prefix, asking)
    const unit = job.units[index]
    if (unit === undefined)
      throw new RoostError(
        'UNIT_NOT_FOUND',
        `job ${job.id} has ${job.units.length} units, and none with index ${index}`,
      )
    if (unit.node === undefined || unit.unitId === undefined)
      throw new RoostError('CONFLICT', `unit ${index} has not started: ${unit.reason}`, {
        hint: '`roost show JOB` says what it waits for',
      })
    if (unit.node === self) return here(unit.unitId)
    return bodyOf(await controllers.ask(unit.node, `/units/${unit.unitId}${path}`, passedOn(asking)))
  }
}

function summaryOf(view: JobView): JobSummary {
  const { id, owner, state, reason, controller, description, units, submittedAtMs, startedAtMs, endedAtMs, exitCode } =
    view
  return {
    id,
    name: description.name,
    labels: { ...description.labels },
    owner,
    state,
    reason,
    controller,
    unitsCount: units.length,
    submittedAtMs,
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(exitCode !== undefined && { exitCode }),
  }
}

async function* eachOf(events: Promise<readonly JobEvent[]>): AsyncGenerator<JobEvent, void, void> {
  yield* await events
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  return response.body ?? new Blob([]).stream()
}
