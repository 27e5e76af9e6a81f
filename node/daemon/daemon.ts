import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Discovery } from '../../overlay/index.ts'
import { openDataDirectory } from '../data/index.ts'
import type { BuiltInPlugins, PluginHost } from '../host/index.ts'
import { createSurroundings, loadOrCreateKey } from '../keys/index.ts'
import { measureDynamic } from '../measure/index.ts'
import type { Network } from '../net/index.ts'
import { DaemonGroups, GroupDatabase } from '../replica/index.ts'
import { createSurface, MetricsRegistry } from '../surface/index.ts'
import type { Vo } from '../vo/index.ts'
import { DaemonApplications } from './applications.ts'
import { DaemonCore } from './core.ts'
import { startDiscovery } from './discovery.ts'
import { enterGrid } from './grid.ts'
import { Intake } from './intake.ts'
import { JobSockets } from './job-sockets.ts'
import { Keepsakes } from './kept.ts'
import { observe } from './observe.ts'
import type { DaemonOptions } from './options.ts'
import { startPlugins } from './plugins.ts'
import { SelfDescription } from './self-description.ts'
import { startTidying } from './tidy.ts'
import { Tunnels } from './tunnels.ts'
import { startUpkeep } from './upkeep.ts'
import { openWaysIn, type WaysIn } from './ways-in.ts'

/** How long goodbyes may travel before the connections go. */
const GOODBYE_MS = 300
/** How long what is under way may go on once the daemon was told to end. Nearly all requests take less than a second. */
const DRAIN_MS_MAX = 8_000

/** Publishes for replica groups; no plugin has such a name. */
const GROUPS_OWNER = 'roost:groups'

export interface DaemonDependencies {
  readonly log: Logger
  readonly builtInPlugins: BuiltInPlugins
  readonly version: string
  /** Somebody asked the daemon to end, or to leave its grid and end. */
  readonly onStop: (how: 'shutdown' | 'leave') => void
}

export interface Daemon {
  readonly id: string
  readonly name: string
  readonly grid: string
  readonly addresses: readonly string[]
  readonly api: string
  /** Ends everything in the reverse order of its start, and leaves the grid where asked. Safe to call twice. */
  stop(how: 'shutdown' | 'leave'): Promise<void>
}

/**
 * Starts a node: data, keys, grid, network, discovery, plugins, ways in. When a step fails, what was started before it is
 * ended again, and the failure is thrown as it is.
 */
export async function startDaemon(options: DaemonOptions, dependencies: DaemonDependencies): Promise<Daemon> {
  const ends: (() => void | Promise<void>)[] = []
  try {
    return await start(options, dependencies, ends)
  } catch (error) {
    await endAll(ends, dependencies.log)
    throw error
  }
}

async function start(
  options: DaemonOptions,
  dependencies: DaemonDependencies,
  ends: (() => void | Promise<void>)[],
): Promise<Daemon> {
  const { log } = dependencies
  const startedAtMs = Date.now()
  const data = await openDataDirectory(options.dataDir)
  ends.push(() => data.close())
  const nodeKey = await loadOrCreateKey(data.file('node.key'))
  const surroundings = createSurroundings(nodeKey)
  const { vo, network, contacts } = await enterGrid(options, { data, nodeKey, surroundings, log })
  ends.push(() => network.stop())

  const keepsakes = new Keepsakes(data, log)
  const self = new SelfDescription(keepsakes, options)
  await self.load()
  const discovery = await startDiscovery({ name: options.name, contacts, self, keepsakes, network, log })
  ends.push(() => keepsakes.keepDiscovery(discovery.kept()))
  discovery.offer('node', () => measureDynamic({ dataDir: data.path, production: true }))
  ends.push(startUpkeep({ discovery, network, vo, self, log }))

  const applications = await DaemonApplications.start({ data, network, discovery, trust: vo.trust, log })
  ends.push(() => applications.stop())
  const groups = new DaemonGroups({
    network,
    applications: applications.of({ type: 'plugin', plugin: GROUPS_OWNER }),
    database: await GroupDatabase.open(data.file('groups'), log),
    log,
  })
  ends.push(() => groups.stop())
  const tunnels = new Tunnels({
    network,
    vo: vo.fingerprint,
    log,
    published: () => applications.published(),
    resolve: (name, options) => applications.resolve(name, options),
  })
  ends.push(() => tunnels.stop())
  const jobSockets = new JobSockets(applications, log)

  const metrics = new MetricsRegistry()
  const plugins = await startPlugins(options.plugins, {
    builtInPlugins: dependencies.builtInPlugins,
    hosting: {
      dataDir: data.path,
      network,
      nodes: discovery,
      trust: vo.trust,
      applications,
      groups,
      serveJob: (path, job) => jobSockets.serve(path, job),
      metrics,
      log,
    },
  })
  ends.push(() => plugins.stop())
  void applications.forgetOthers()
  observe(metrics, { network, discovery, applications, groups })

  const intake = new Intake()
  let waysIn: WaysIn | undefined
  const core = new DaemonCore({
    discovery,
    network,
    vo,
    plugins,
    self,
    stop: dependencies.onStop,
    about: { version: dependencies.version, dataDir: data.path, startedAtMs, api: () => waysIn?.api ?? '' },
  })
  const surface = createSurface({
    core,
    applications: {
      directoryFor: (caller) => applications.for(caller),
      openTunnel: (name, tunnelOptions) => tunnels.open(name, tunnelOptions),
    },
    plugins,
    metrics,
    version: dependencies.version,
    log,
  })
  jobSockets.begin(surface)
  waysIn = await openWaysIn(surface, { data, network, intake, apiPort: options.apiPort, log })
  ends.push(() => waysIn.close())
  ends.push(startTidying(log))
  return runningDaemon({ options, discovery, network, vo, plugins, groups, intake, log, ends, api: waysIn.api })
}

interface RunningParts {
  options: DaemonOptions
  discovery: Discovery
  network: Network
  vo: Vo
  plugins: PluginHost
  groups: DaemonGroups
  intake: Intake
  log: Logger
  ends: (() => void | Promise<void>)[]
  api: string
}

function runningDaemon(parts: RunningParts): Daemon {
  const { options, network, vo, log, ends, api } = parts
  let stopping: Promise<void> | undefined
  return {
    id: network.self,
    name: options.name,
    grid: vo.name,
    addresses: network.addresses(),
    api,
    stop(how) {
      stopping ??= (async () => {
        await drain(parts)
        if (how === 'leave') await vo.leave()
        await endAll(ends, log)
      })()
      return stopping
    },
  }
}

/**
 * Takes nothing new, tells the others to choose it no more, hands on what it leads, and waits for what is under way. Only then do
 * doors close: what was taken is answered.
 */
async function drain({
  discovery,
  network,
  plugins,
  groups,
  intake,
  log,
}: Pick<RunningParts, 'discovery' | 'network' | 'plugins' | 'groups' | 'intake' | 'log'>): Promise<void> {
  intake.close()
  plugins.drain()
  discovery.leave()
  const goodbye = network.connected().length > 0 ? sleep(GOODBYE_MS) : undefined
  await Promise.all([goodbye, groups.resign(), intake.idle(DRAIN_MS_MAX)])
  const { underWayCount } = intake
  if (underWayCount > 0) log.warn({ underWayCount }, 'requests took too long, and are cut off')
}

/** The last that began ends first; what fails to end keeps nothing else from ending. */
async function endAll(ends: (() => void | Promise<void>)[], log: Logger): Promise<void> {
  for (const end of ends.splice(0).reverse()) {
    try {
      await end()
    } catch (error) {
      log.error({ error }, 'a part of the daemon did not end well')
    }
  }
}
