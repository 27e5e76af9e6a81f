export { loadPlugin, type BuiltInPlugins } from './load.ts'
export { orderByNeeds, type PluginOrder } from './order.ts'
export {
  PLUGIN_START_MS_MAX,
  PLUGIN_STOP_MS_MAX,
  PluginHost,
  type HostLease,
  type MakeHost,
  type PluginState,
} from './plugin-host.ts'
