import type { Plugin } from '../overlay/contract/index.ts'
import type { DaemonOptions } from './daemon/index.ts'

/** The plugins that come with roost, by name. Each is behind a door that opens when it is asked for. */
export const builtInPlugins: Readonly<Record<string, () => Promise<Plugin>>> = {
  aem: async () => (await import('../aem/index.ts')).plugin,
}

/** Runs a daemon as this process, until it is told to end; gives the exit status. */
export async function runDaemon(options: DaemonOptions, version: string): Promise<number> {
  return (await import('./daemon/index.ts')).runDaemon(options, { builtInPlugins, version })
}
