import type { Plugin } from '../overlay/contract/index.ts'

/** The plugins that come with roost, by name. Each is behind a door that opens when it is asked for. */
export const builtInPlugins: Readonly<Record<string, () => Promise<Plugin>>> = {
  aem: async () => (await import('../aem/index.ts')).plugin,
}
