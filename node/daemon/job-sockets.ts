import type { JobCaller, JobSocket, Log } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'
import { closeServer, listenOnSocket, nodeListener, type Surface } from '../surface/index.ts'
import type { DaemonApplications } from './applications.ts'

/** Connections to one unit's socket at once; the next is closed at once. */
const CONNECTIONS_COUNT_MAX = 64

/** Serves units of jobs, each on a socket of its own by which it is known; the surface decides what a job may ask for. */
export class JobSockets {
  readonly #applications: DaemonApplications
  readonly #log: Log
  #surface: Surface | undefined

  constructor(applications: DaemonApplications, log: Log) {
    this.#applications = applications
    this.#log = log
  }

  /** Units may run before there is a surface; until then they are told to wait. */
  begin(surface: Surface): void {
    this.#surface = surface
  }

  async serve(path: string, job: JobCaller): Promise<JobSocket & { close(): Promise<void> }> {
    const surface: Surface = (request, caller) => {
      if (this.#surface === undefined) throw new RoostError('BUSY', 'this node is still starting')
      return this.#surface(request, caller)
    }
    const server = await listenOnSocket(
      path,
      nodeListener(surface, () => ({ via: 'job', job }), this.#log),
    )
    server.maxConnections = CONNECTIONS_COUNT_MAX
    this.#applications.adopt(job.unit)
    return {
      close: () => closeServer(server),
      end: async () => {
        await Promise.all([closeServer(server), this.#applications.end({ type: 'unit', unit: job.unit, job: job.id })])
      },
    }
  }
}
