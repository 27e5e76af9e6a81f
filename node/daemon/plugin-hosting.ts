import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Directory, Host, JobCaller, JobSocket, Nodes, Plugin, Trust } from '../../overlay/contract/index.ts'
import type { HostLease } from '../host/index.ts'
import type { Network } from '../net/index.ts'
import type { DaemonGroups } from '../replica/index.ts'
import type { MetricsRegistry } from '../surface/index.ts'
import type { DaemonApplications } from './applications.ts'

export interface PluginHostingDependencies {
  readonly dataDir: string
  readonly network: Network
  readonly nodes: Nodes
  readonly trust: Trust
  readonly applications: DaemonApplications
  readonly groups: DaemonGroups
  /** Serves a unit of a job; `close` leaves what it published. */
  readonly serveJob: (path: string, job: JobCaller) => Promise<JobSocket & { close(): Promise<void> }>
  readonly metrics: MetricsRegistry
  readonly log: Logger
}

/** The daemon's services as one plugin gets them. What it takes through them is noted, and taken back on release. */
export async function leaseHost(
  plugin: Plugin,
  {
    service,
    config,
    ...dependencies
  }: PluginHostingDependencies & {
    readonly service: (name: string) => unknown
    readonly config: Readonly<Record<string, unknown>>
  },
): Promise<HostLease> {
  const { network, nodes, applications, groups } = dependencies
  const dataDir = join(dependencies.dataDir, 'plugins', plugin.name)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const section = dependencies.metrics.section(plugin.name)
  const undo = new Set<() => void>([section.remove])
  /** Notes how to end something; ending it by hand strikes the note. */
  const noted = (end: () => void): (() => void) => {
    const once = (): void => {
      if (undo.delete(once)) end()
    }
    undo.add(once)
    return once
  }
  const host: Host = {
    self: network.self,
    dataDir,
    config,
    log: dependencies.log.child({ plugin: plugin.name }),
    surroundings: network.surroundings,
    nodes: {
      list: () => nodes.list(),
      get: (id) => nodes.get(id),
      find: (query, options) => nodes.find(query, options),
      watch: (listener) => noted(nodes.watch(listener)),
      offer: (source, read) => noted(nodes.offer(source, read)),
    },
    directory: directoryOf(network, applications.of({ type: 'plugin', plugin: plugin.name })),
    groups: groups.for(noted),
    events: {
      publish: (key, event) => network.events.publish(key, event),
      subscribe: (key, options, listener) => noted(network.events.subscribe(key, options, listener)),
    },
    trust: dependencies.trust,
    mount(wire, protocol, onEvent) {
      noted(() => network.unmount(wire.id))
      return network.mount(wire, protocol, onEvent)
    },
    serve(wire, answering) {
      noted(() => network.unmount(wire.id))
      return network.serve(wire, answering)
    },
    async serveJob(path, job) {
      const socket = await dependencies.serveJob(path, job)
      const close = noted(() => void socket.close())
      return {
        async end() {
          close()
          await socket.end()
        },
      }
    },
    peerFetch: (peer) => network.peerFetch(peer),
    service: <T>(name: string) => service(name) as T,
    metrics: section.metrics,
  }
  return {
    host,
    async release() {
      for (const end of undo) end()
      await applications.end({ type: 'plugin', plugin: plugin.name })
    },
  }
}

function directoryOf(network: Network, applications: Directory['applications']): Directory {
  const { directory } = network
  return {
    publishJob: (record) => directory.publishJob(record),
    findJob: (jobId) => directory.findJob(jobId),
    announceUser: (user) => directory.announceUser(user),
    findControllers: (user, options) => directory.findControllers(user, options),
    applications,
  }
}
