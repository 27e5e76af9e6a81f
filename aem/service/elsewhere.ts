import type { Host } from '../../overlay/contract/index.ts'
import { asRoostError, type PeerId } from '../../overlay/index.ts'
import { publicEvent, type JobEvent, type JobId, type JobService } from '../protocol/index.ts'
import type { Controllers } from './controllers.ts'
import { remoteEvents, type RemoteEventsDependencies } from './remote-events.ts'

/** Errors of a controller that is none any more, or gone. What is asked of another one then is safe to ask twice. */
const MOVED_CODES: ReadonlySet<string> = new Set([
  'JOB_NOT_FOUND',
  'CONTROLLER_SUPERSEDED',
  'PEER_UNREACHABLE',
  'CONNECTION_LOST',
  'CALL_TIMEOUT',
])

export interface ElsewhereDependencies {
  readonly service: JobService
  readonly controllers: Controllers
  readonly env: RemoteEventsDependencies['env']
  readonly hints: Host['events']
}

/** Jobs that another node controls, whichever it is at the moment: a takeover is a delay. */
export class JobsElsewhere {
  readonly #dependencies: ElsewhereDependencies

  constructor(dependencies: ElsewhereDependencies) {
    this.#dependencies = dependencies
  }

  ask(id: JobId, path: string, init: RequestInit): Promise<Response> {
    return this.#atController(id, (controller) => this.#dependencies.controllers.ask(controller, path, init))
  }

  /** Events from a job's log; this node may have come to control it meanwhile. */
  async events(id: JobId, from: number, signal: AbortSignal): Promise<readonly JobEvent[]> {
    const { service, controllers } = this.#dependencies
    if (service.view(id)) return (await service.events(id, from)).map(publicEvent)
    return this.#atController(id, (controller) => controllers.events(controller, id, { from, signal }))
  }

  /** Events to the job's last; `controller` is who controlled it a moment ago. */
  follow(id: JobId, controller: PeerId, from: number, signal: AbortSignal): AsyncGenerator<JobEvent, void, void> {
    const { env, hints, controllers } = this.#dependencies
    const read = (number: number, within: AbortSignal): Promise<readonly JobEvent[]> => this.events(id, number, within)
    const controllerNow = (): PeerId => controllers.known(id) ?? controller
    return remoteEvents(id, { env, events: hints, controller: controllerNow, read }, { from, signal })
  }

  /** Asks who controls a job, and once more where another one does by now. */
  async #atController<Result>(id: JobId, ask: (controller: PeerId) => Promise<Result>): Promise<Result> {
    const { controllers } = this.#dependencies
    try {
      return await ask((await controllers.resolve(id)).controller)
    } catch (thrown) {
      if (!MOVED_CODES.has(asRoostError(thrown).code)) throw thrown
      controllers.forget(id)
      return ask((await controllers.resolve(id)).controller)
    }
  }
}
