import type { Hono } from 'hono'
import type { PeerId, ProtocolHost } from '../env/index.ts'
import type { Directory } from './directory.ts'
import type { Events } from './events.ts'
import type { Fetch } from './fetch.ts'
import type { Groups } from './groups.ts'
import type { Log } from './log.ts'
import type { Nodes } from './nodes.ts'
import type { Caller, JobCaller, Trust } from './trust.ts'
import type { CommandModule } from './command.ts'

/**
 * A plugin, as its package exports it under the name `plugin`. Importing it must be cheap: what it needs to run, and its
 * commands, are loaded when they are asked for.
 */
export interface Plugin {
  /** Lower-case letters, digits and hyphens. Its routes are mounted under `/<name>`, its data lies in a directory of this name. */
  readonly name: string
  readonly version: string
  /** Services of other plugins that must run before this one starts. */
  readonly needs: readonly string[]
  /** Services that it offers to others once started. */
  readonly provides: readonly string[]
  readonly commands?: PluginCommands
  /** Starts it. When it rejects, whatever it had mounted is unmounted again and the daemon goes on without it. */
  start(host: Host): Promise<RunningPlugin>
}

export interface PluginCommands {
  /** The command words that it answers to, each with one line for `roost help`. */
  readonly words: Readonly<Record<string, string>>
  load(): Promise<CommandModule>
}

export interface RunningPlugin {
  /** One for each name in `provides`. */
  readonly services?: Readonly<Record<string, unknown>>
  readonly routes?: Routes
  /** The daemon is about to end: nothing new is taken on from now on. What goes on has until `stop`, some seconds later. */
  drain?(): void
  /** Stops it: what is acknowledged is on disk when this resolves. Called once, in reverse order of starting. */
  stop(): Promise<void>
}

/** What a route handler may read of its request beside the request itself: `context.env.caller`. */
export interface RouteBindings {
  Bindings: { readonly caller: Caller }
}

/** HTTP routes, relative to the plugin's mount point, and their OpenAPI 3.1 description. */
export interface Routes {
  readonly app: Hono<RouteBindings>
  /** The `paths` and `components.schemas` of an OpenAPI document, made from the code. */
  describe(): { readonly paths: Readonly<Record<string, unknown>>; readonly schemas: Readonly<Record<string, unknown>> }
}

/**
 * What the daemon gives a plugin. Everything mounted through it ends with the plugin; a handler that throws is logged, and is
 * this plugin's error.
 */
export interface Host extends ProtocolHost {
  /** A directory of the plugin's own; it exists. */
  readonly dataDir: string
  /** What the configuration says under `plugins.<name>`, or under the package's name; `{}` where it says nothing. */
  readonly config: Readonly<Record<string, unknown>>
  readonly log: Log
  readonly nodes: Nodes
  readonly directory: Directory
  readonly groups: Groups
  readonly events: Events
  readonly trust: Trust
  /** HTTP to another node's routes, over libp2p; the path is what stands behind the host in the URL. The other side sees this node as the peer. */
  peerFetch(peer: PeerId): Fetch
  /**
   * Serves this daemon's routes, as far as a job may use them, on a Unix socket for one unit. The path has at most 103 bytes, in a
   * directory that is only this user's; what lies there is replaced. What the unit published in an earlier life of the daemon is
   * published again.
   */
  serveJob(path: string, job: JobCaller): Promise<JobSocket>
  /** A service that another plugin provides, one of `needs`. */
  service<T>(name: string): T
  /** Counters and gauges of this plugin on `/metrics`, under `roost_<plugin>_`. */
  readonly metrics: Metrics
}

export interface JobSocket {
  /** The unit is over: the socket goes, and what the unit published. */
  end(): Promise<void>
}

export interface Metrics {
  counter(name: string, help: string): { add(count?: number): void }
  /** Read when `/metrics` is asked for. */
  gauge(name: string, help: string, read: () => number): void
}
