import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Host, RunningPlugin } from '../../overlay/contract/index.ts'
import { RoostError, type CallEnv } from '../../overlay/index.ts'
import { findMeans, LocalLauncher, type FetchInput } from '../execution/index.ts'
import { isFinal, jobWire, JobService, publicEvent, type JobReply, type JobRequest } from '../protocol/index.ts'
import { InputFiles, openDatabase, openGovernorStore, openJobStore, openUnitStore } from '../store/index.ts'
import { Controllers } from './controllers.ts'
import { Growth } from './event-stream.ts'
import { forgetOldJobs } from './forget-old-jobs.ts'
import { JobRecords } from './job-records.ts'
import { Jobs } from './jobs.ts'
import { Readers } from './readers.ts'
import { asRoutes, jobRoutes } from './routes.ts'
import { checkWith } from './statement.ts'
import { WhyNot } from './why.ts'

/** Puts the deciding side of jobs (`aem/protocol`) on this machine's disks and processes, and on the daemon's network. */
export async function startJobs(host: Host): Promise<RunningPlugin> {
  const { self, log, trust, dataDir } = host
  const database = await openDatabase(join(dataDir, 'database'))
  const inputs = new InputFiles(join(dataDir, 'inputs'))
  const jobStore = openJobStore(database, inputs)
  const growth = new Growth()
  const controllers = new Controllers(host)
  const check = checkWith(trust)
  await forgetOldJobs(jobStore, { wallMs: host.surroundings.wallMs, log })
  await inputs.sweep(new Set(await jobStore.list()))

  const fetchInput: FetchInput = async (order, name, signal) => {
    if (order.controller === self)
      return inputs.read(
        order.jobId,
        order.inputs.find((input) => input.name === name)!,
      )
    const path = `/jobs/${order.jobId}/inputs/${encodeURIComponent(name)}`
    const response = await controllers.ask(order.controller, path, { signal })
    return response.body ?? new Blob([]).stream()
  }
  const unitsRoot = join(dataDir, 'units')
  const launcher = new LocalLauncher({
    self,
    root: unitsRoot,
    log,
    means: await findMeans(unitsRoot, log),
    fetchInput,
    serveJob: (path, job) => host.serveJob(path, job),
    onExit: (unitId, exit) => service.unitExited(unitId, exit),
  })
  const service = new JobService({
    nodes: host.nodes,
    launcher,
    jobs: jobStore,
    units: openUnitStore(database),
    governors: openGovernorStore(database),
    check,
    capacity: {
      cores: capacityOf(host, 'cores', availableParallelism()),
      memoryBytes: capacityOf(host, 'memoryBytes', totalmem()),
    },
    onJobEvent: (event, view) => {
      growth.grew(view.id)
      log.info({ job: view.id, event: event.type, state: view.state }, 'job event')
      void publish(host, view.id, publicEvent(event))
      if (event.type === 'submitted') void records.refresh()
    },
    onTrouble: ({ about, error }) => log.warn({ about, error }, 'trouble with a job'),
  })
  const records = new JobRecords(host, () => service.views())
  const env: CallEnv<JobRequest, JobReply> = host.serve(jobWire, service)
  await service.start(env)
  void records.refresh()

  const stopOffering = host.nodes.offer('aem', () => ({ ...service.attributes(), ...launcher.attributes() }))
  offerMetrics(host, service, growth)
  const jobs = new Jobs({
    self,
    service,
    launcher,
    inputs,
    controllers,
    growth,
    check,
    readers: new Readers(check, host.surroundings),
    crypto: host.surroundings.crypto,
    env,
    hints: host.events,
  })
  const { nodes, surroundings } = host
  const whyNot = new WhyNot({ self, nodes, surroundings, service, controllers, jobs })
  return {
    routes: asRoutes(jobRoutes(jobs, whyNot)),
    drain: () => service.drain(),
    async stop() {
      stopOffering()
      records.stop()
      service.stop()
      launcher.close()
      await database.close()
    },
  }
}

/** A hint to whoever watches; the log is what counts. */
async function publish(host: Host, jobId: string, event: ReturnType<typeof publicEvent>): Promise<void> {
  try {
    await host.events.publish(`job:${jobId}`, event)
  } catch (error) {
    host.log.debug({ job: jobId, error }, 'event not published')
  }
}

/** What the operator lets roost promise, if less or more than the machine has. */
function capacityOf(host: Host, name: 'cores' | 'memoryBytes', measured: number): number {
  const configured = host.config[name]
  if (configured === undefined) return measured
  if (typeof configured !== 'number' || !Number.isSafeInteger(configured) || configured < 0)
    throw new RoostError('CONFIG_MALFORMED', `plugins.aem.${name} is a whole number of at least 0`)
  return configured
}

function offerMetrics(host: Host, service: JobService, growth: Growth): void {
  const count = (isWanted: (state: ReturnType<JobService['views']>[number]['state']) => boolean): number =>
    service.views().filter((view) => isWanted(view.state)).length
  host.metrics.gauge('jobs_running_count', 'Jobs that this node controls and that run', () =>
    count((state) => state === 'running'),
  )
  host.metrics.gauge('jobs_waiting_count', 'Jobs that this node controls and that wait', () =>
    count((state) => !isFinal(state) && state !== 'running'),
  )
  host.metrics.gauge('followers_count', 'Who follows events of a job here', () => growth.count)
}
