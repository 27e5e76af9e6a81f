import type { Plugin } from '../../overlay/contract/index.ts'
import { loadPlugin, PluginHost, type BuiltInPlugins } from '../host/index.ts'
import type { DaemonOptions } from './options.ts'
import { leaseHost, type PluginHostingDependencies } from './plugin-hosting.ts'

/**
 * Loads and starts the plugins that the configuration names, each with its settings. One that cannot be loaded keeps the
 * daemon from starting (`PLUGIN_FAILED`): it was asked for. One that fails to start is its own error.
 */
export async function startPlugins(
  configured: DaemonOptions['plugins'],
  { builtInPlugins, hosting }: { builtInPlugins: BuiltInPlugins; hosting: PluginHostingDependencies },
): Promise<PluginHost> {
  const settings = new Map<Plugin, Readonly<Record<string, unknown>>>()
  for (const [name, config] of Object.entries(configured)) {
    const searchDirs = [hosting.dataDir, process.cwd()]
    settings.set(await loadPlugin(name, { builtIn: builtInPlugins, searchDirs }), config)
  }
  const host = new PluginHost({
    makeHost: (plugin, service) => leaseHost(plugin, { ...hosting, service, config: settings.get(plugin) ?? {} }),
    log: hosting.log,
  })
  await host.start([...settings.keys()])
  return host
}
