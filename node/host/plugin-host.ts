import type { Host, Log, Plugin, RunningPlugin } from '../../overlay/contract/index.ts'
import { asRoostError, RoostError } from '../../overlay/index.ts'
import { orderByNeeds } from './order.ts'

/** How long a plugin may take to start or to stop before the daemon goes on without it. */
export const PLUGIN_START_MS_MAX = 30_000
export const PLUGIN_STOP_MS_MAX = 10_000

export interface PluginState {
  readonly name: string
  readonly version: string
  readonly state: 'running' | 'failed' | 'stopped'
  readonly error?: RoostError
}

/** A plugin's `Host`, and how to take back everything that was mounted through it. */
export interface HostLease {
  readonly host: Host
  release(): Promise<void>
}

/** Makes the host of one plugin; `service` looks up what plugins started before it provide. */
export type MakeHost = (plugin: Plugin, service: (name: string) => unknown) => Promise<HostLease>

interface Entry {
  readonly plugin: Plugin
  state: PluginState['state']
  error?: RoostError
  lease?: HostLease
  running?: RunningPlugin
}

/**
 * Runs plugins. They start in the order of their needs and stop in reverse, also those that started before another one
 * failed. A plugin that throws, or takes too long, or needs what nobody provides is `failed` with its error, and what it
 * had mounted is taken back; the others and the daemon go on.
 */
export class PluginHost {
  readonly #makeHost: MakeHost
  readonly #log: Log
  readonly #entries: Entry[] = []
  readonly #services = new Map<string, unknown>()

  constructor(dependencies: { makeHost: MakeHost; log: Log }) {
    this.#makeHost = dependencies.makeHost
    this.#log = dependencies.log
  }

  /** Starts them all. Never rejects: what failed is told by `states`. */
  async start(plugins: readonly Plugin[]): Promise<void> {
    const { ordered, impossible } = orderByNeeds(plugins)
    for (const { plugin, reason } of impossible) {
      this.#entries.push({
        plugin,
        state: 'failed',
        error: new RoostError('PLUGIN_FAILED', `${plugin.name}: ${reason}`),
      })
      this.#log.error({ plugin: plugin.name, reason }, 'plugin cannot start')
    }
    for (const plugin of ordered) await this.#startOne(plugin)
  }

  /** Tells all that the daemon is about to end. */
  drain(): void {
    for (const { name, running } of this.all()) {
      try {
        running.drain?.()
      } catch (thrown) {
        this.#log.error({ plugin: name, cause: thrown }, 'plugin failed to drain')
      }
    }
  }

  /** Stops what runs, last started first. A plugin that fails to stop is logged and left. */
  async stop(): Promise<void> {
    for (const entry of [...this.#entries].reverse()) {
      if (entry.state !== 'running') continue
      await this.#guard(entry, () =>
        within(entry.running!.stop(), PLUGIN_STOP_MS_MAX, `${entry.plugin.name} did not stop`),
      )
      await this.#guard(entry, () => entry.lease!.release())
      entry.state = 'stopped'
    }
  }

  states(): readonly PluginState[] {
    return this.#entries.map(({ plugin, state, error }) => ({
      name: plugin.name,
      version: plugin.version,
      state,
      ...(error && { error }),
    }))
  }

  /** The plugin as it runs; undefined where none of this name does. */
  running(name: string): RunningPlugin | undefined {
    return this.#entries.find((entry) => entry.plugin.name === name && entry.state === 'running')?.running
  }

  /** What keeps the plugin from running; undefined where it runs or is not known. */
  failure(name: string): RoostError | undefined {
    return this.#entries.find((entry) => entry.plugin.name === name && entry.state === 'failed')?.error
  }

  /** Every plugin that runs. */
  all(): readonly { readonly name: string; readonly running: RunningPlugin }[] {
    return this.#entries.flatMap(({ plugin, state, running }) =>
      state === 'running' ? [{ name: plugin.name, running: running! }] : [],
    )
  }

  async #startOne(plugin: Plugin): Promise<void> {
    const entry: Entry = { plugin, state: 'failed' }
    this.#entries.push(entry)
    try {
      const missing = plugin.needs.find((need) => !this.#services.has(need))
      if (missing !== undefined)
        throw new RoostError('PLUGIN_FAILED', `${plugin.name} needs ${missing}, whose plugin did not start`)
      entry.lease = await this.#makeHost(plugin, (name) => this.#service(plugin, name))
      const running = await startWithin(plugin, entry.lease.host)
      const unkept = plugin.provides.find((name) => !Object.hasOwn(running.services ?? {}, name))
      if (unkept !== undefined) {
        await this.#guard(entry, () => running.stop())
        throw new RoostError('PLUGIN_FAILED', `${plugin.name} promises the service ${unkept} and does not provide it`)
      }
      for (const name of plugin.provides) this.#services.set(name, running.services![name])
      entry.running = running
      entry.state = 'running'
      this.#log.info({ plugin: plugin.name, version: plugin.version }, 'plugin started')
    } catch (thrown) {
      entry.error = asPluginError(plugin, thrown)
      this.#log.error({ plugin: plugin.name, error: entry.error.message, cause: thrown }, 'plugin failed to start')
      if (entry.lease) await this.#guard(entry, () => entry.lease!.release())
    }
  }

  #service(plugin: Plugin, name: string): unknown {
    if (!plugin.needs.includes(name))
      throw new RoostError('PLUGIN_FAILED', `${plugin.name} asks for the service ${name}, which is not among its needs`)
    return this.#services.get(name)
  }

  /** What goes wrong while stopping is the plugin's error and keeps nobody else from stopping. */
  async #guard(entry: Entry, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (thrown) {
      entry.error ??= asPluginError(entry.plugin, thrown)
      this.#log.error({ plugin: entry.plugin.name, cause: thrown }, 'plugin failed to stop')
    }
  }
}

/** A plugin that starts after its time has run out is stopped again. */
async function startWithin(plugin: Plugin, host: Host): Promise<RunningPlugin> {
  const starting = Promise.resolve().then(() => plugin.start(host))
  try {
    return await within(starting, PLUGIN_START_MS_MAX, `${plugin.name} did not start`)
  } catch (error) {
    starting.then((late) => late.stop()).catch(() => {})
    throw error
  }
}

async function within<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RoostError('TIMEOUT', `${what} within ${limitMs / 1000} s`)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function asPluginError(plugin: Plugin, thrown: unknown): RoostError {
  const error = asRoostError(thrown)
  if (error.code !== 'INTERNAL') return error
  return new RoostError('PLUGIN_FAILED', `${plugin.name}: ${error.message}`, { cause: thrown })
}
