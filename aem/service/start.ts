import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Host, RunningPlugin } from '../../overlay/contract/index.ts'
import { RoostError, type CallEnv } from '../../overlay/index.ts'
import { findMeans, LocalLauncher, type FetchInput } from '../execution/index.ts'
import {
  HOLDERS_COUNT_MAX,
  isFinal,
  jobWire,
  JobService,
  publicEvent,
  type JobReply,
  type JobRequest,
} from '../protocol/index.ts'
import { InputFiles, openDatabase, openGovernorStore, openJobLogs, openUnitStore, withInputs } from '../store/index.ts'
import { Boards } from './boards.ts'
import { Controllers } from './controllers.ts'
import { JobsElsewhere } from './elsewhere.ts'
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
  const copiesCount = copiesOf(host)
  const database = await openDatabase(join(dataDir, 'database'))
  const inputs = new InputFiles(join(dataDir, 'inputs'))
  const jobLogs = openJobLogs(database)
  const jobStore = withInputs(jobLogs, inputs)
  const growth = new Growth()
  const controllers = new Controllers(host)
  const check = checkWith(trust)
  await forgetOldJobs(jobStore, { wallMs: host.surroundings.wallMs, log })

  const fetchInput: FetchInput = async (order, name, signal) => {
    const input = order.inputs.find((file) => file.name === name)!
    const { controller: home, holders = [] } = order
    const path = `/jobs/${order.jobId}/inputs/${encodeURIComponent(name)}`
    return firstOf(new Set([service.controllerOf(home), home, ...holders]), async (node) => {
      if (node === self) return inputs.read(order.jobId, input)
      return (await controllers.ask(node, path, { signal })).body ?? new Blob([]).stream()
    })
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
    ...(copiesCount === 1 && { jobs: jobStore }),
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
  const records = new JobRecords(host, service)
  const env: CallEnv<JobRequest, JobReply> = host.serve(jobWire, service)
  await service.start(env)
  const boards = new Boards({ host, service, copiesCount, jobLogs, inputs })
  await boards.start(env)
  // What a crash left of jobs that were never acknowledged. Of others' jobs it is their boards that know.
  if (boards.isEmpty) await inputs.sweep(new Set(await jobStore.list()))
  void records.refresh()

  const stopOffering = host.nodes.offer('aem', () => ({ ...service.attributes(), ...launcher.attributes() }))
  offerMetrics(host, service, growth)
  const jobs = new Jobs({
    self,
    service,
    launcher,
    inputs,
    controllers,
    boards,
    growth,
    check,
    readers: new Readers(check, host.surroundings),
    crypto: host.surroundings.crypto,
    elsewhere: new JobsElsewhere({ service, controllers, env, hints: host.events }),
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

/** How many nodes keep the log of each job that is submitted here. */
function copiesOf({ config: { copies = 1 } }: Host): number {
  if (Number.isSafeInteger(copies) && (copies as number) >= 1 && (copies as number) <= HOLDERS_COUNT_MAX)
    return copies as number
  throw new RoostError('CONFIG_MALFORMED', `plugins.aem.copies is a whole number from 1 to ${HOLDERS_COUNT_MAX}`)
}

/** What the first gives that does not fail; as the last fails where all do. */
async function firstOf<Item, Result>(items: Iterable<Item>, ask: (item: Item) => Promise<Result>): Promise<Result> {
  let failure: unknown
  for (const item of items)
    try {
      return await ask(item)
    } catch (thrown) {
      failure = thrown
    }
  throw failure
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
