import type { Plugin } from '../../overlay/contract/index.ts'

export interface PluginOrder {
  /** Each after all that it needs; otherwise in the order given. */
  readonly ordered: readonly Plugin[]
  /** Those that can never start, and why. */
  readonly impossible: readonly { readonly plugin: Plugin; readonly reason: string }[]
}

/** Puts plugins in an order in which everyone finds what it needs (Kahn's algorithm, stable). */
export function orderByNeeds(plugins: readonly Plugin[]): PluginOrder {
  const impossible: { plugin: Plugin; reason: string }[] = []
  const names = new Set<string>()
  const provided = new Map<string, string>()
  let waiting: Plugin[] = []
  for (const plugin of plugins) {
    const twice = plugin.provides.find((service) => provided.has(service))
    if (!PLUGIN_NAME.test(plugin.name))
      impossible.push({ plugin, reason: 'a name is lower-case letters, digits and hyphens' })
    else if (names.has(plugin.name)) impossible.push({ plugin, reason: 'another plugin has this name' })
    else if (twice !== undefined)
      impossible.push({ plugin, reason: `${provided.get(twice)} provides ${twice} already` })
    else {
      names.add(plugin.name)
      for (const service of plugin.provides) provided.set(service, plugin.name)
      waiting.push(plugin)
    }
  }
  const ordered: Plugin[] = []
  const ready = new Set<string>()
  for (;;) {
    const next = waiting.find((plugin) => plugin.needs.every((need) => ready.has(need)))
    if (!next) break
    ordered.push(next)
    for (const service of next.provides) ready.add(service)
    waiting = waiting.filter((plugin) => plugin !== next)
  }
  for (const plugin of waiting) {
    const need = plugin.needs.find((name) => !ready.has(name))!
    const provider = provided.get(need)
    impossible.push({
      plugin,
      reason: provider
        ? `it needs ${need} of ${provider}, which cannot start before it`
        : `it needs ${need}, which no plugin provides`,
    })
  }
  return { ordered, impossible }
}

const PLUGIN_NAME = /^[a-z][a-z0-9-]{0,63}$/
