import { existsSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { RoostError } from '../../overlay/index.ts'
import type { DaemonOptions } from '../daemon/index.ts'
import { SETTING_KEYS, type SettingKey, type SettingTexts } from './keys.ts'
import { parseLabel } from './label.ts'
import { defaultPaths, type Environment } from './paths.ts'
import type { Layer } from './schema.ts'
import { DEFAULT_LISTEN, DEFAULT_PORT, DEFAULT_SOFTWARE } from './defaults.ts'

/** What flags, environment and files say together: what a daemon needs to know but for the grid that it shall join. */
export type Settings = Omit<DaemonOptions, 'ticket' | 'gridName' | 'logFormat'>

export interface SettingsSources {
  readonly flags: SettingTexts
  readonly env: Environment
  /** Read instead of the user's and the machine's file. It must exist. */
  readonly configFile?: string | undefined
  /** What runs unless a file says otherwise. */
  readonly pluginNames: readonly string[]
}

/**
 * Flag, then environment, then the user's file, then the machine's; the first that says something counts. `labels` and
 * `plugins` come together name by name. `CONFIG_MALFORMED` or `FILE_UNREADABLE` where one of them cannot be understood.
 *
 * A client that names only directories loads neither the YAML parser nor the schemas: they take longer than its request.
 */
export async function loadSettings(sources: SettingsSources): Promise<Settings> {
  const paths = defaultPaths(sources.env)
  const texts = { ...textsFromEnvironment(sources.env), ...sources.flags }
  const files = sources.configFile === undefined ? paths.configFiles.filter(existsSync) : [resolve(sources.configFile)]
  const layers = [await layerFromTexts(texts), ...(await readFiles(files, sources.configFile === undefined))]

  const first = <Key extends keyof Layer>(key: Key): Layer[Key] =>
    layers.find((layer) => layer[key] !== undefined)?.[key]
  return {
    dataDir: first('data') ?? paths.dataDir,
    userDir: first('user') ?? paths.userDir,
    name: first('name') ?? (hostname() || 'node'),
    userName: first('user-name') ?? loginName(),
    listen: first('listen') ?? DEFAULT_LISTEN,
    port: first('port') ?? DEFAULT_PORT,
    apiPort: first('api-port') ?? 0,
    plugins: pluginsOf(layers, sources.pluginNames),
    labels: mergeByName(layers.map((layer) => layer.labels)),
    software: first('software') ?? DEFAULT_SOFTWARE,
    logLevel: first('log-level') ?? 'info',
  }
}

async function readFiles(files: readonly string[], optional: boolean): Promise<Layer[]> {
  if (files.length === 0) return []
  const { readConfigFile } = await import('./file.ts')
  const layers = await Promise.all(files.map((file) => readConfigFile(file, { optional })))
  return layers.filter((layer) => layer !== undefined)
}

function textsFromEnvironment(env: Environment): SettingTexts {
  const texts: Partial<Record<SettingKey, string>> = {}
  for (const [key, { env: variable }] of Object.entries(SETTING_KEYS)) {
    const text = variable && env[variable]
    if (text) texts[key as SettingKey] = text
  }
  return texts
}

/** Paths are relative to where the command runs, as everywhere on a command line. */
async function layerFromTexts(texts: SettingTexts): Promise<Layer> {
  const paths: Layer = {}
  for (const key of ['data', 'user'] as const) if (texts[key] !== undefined) paths[key] = absolutePath(texts[key])
  const others = Object.entries(texts).filter(([key]) => !Object.hasOwn(paths, key))
  if (others.length === 0) return paths
  const { checkLayer } = await import('./check.ts')
  const checked = checkLayer({
    ...paths,
    ...Object.fromEntries(others.map(([key, text]) => [key, convert(key as SettingKey, text)])),
  })
  if ('layer' in checked) return checked.layer
  const { env, flag } = SETTING_KEYS[checked.fault.path[0] as SettingKey]
  throw new RoostError('CONFIG_MALFORMED', `${[flag, env].filter(Boolean).join(' or ')}: ${checked.fault.message}`, {
    hint: checked.fault.hint ?? 'docs/configuration.md says what each setting takes',
  })
}

function absolutePath(path: string): string {
  return isAbsolute(path) ? path : resolve(path)
}

/** A text as the value that a file would have. What does not convert stays as it is, for the schema to refuse. */
function convert(key: SettingKey, text: string): unknown {
  switch (key) {
    case 'port':
    case 'api-port':
      return /^\d+$/.test(text) ? Number(text) : text
    case 'listen':
    case 'software':
      return text.split(',').map((item) => item.trim())
    case 'labels':
      return Object.fromEntries(text.split(',').map((item) => Object.values(parseLabel(item.trim()))))
    default:
      return text
  }
}

function pluginsOf(layers: readonly Layer[], builtIn: readonly string[]): DaemonOptions['plugins'] {
  const chosen = mergeByName<Record<string, unknown> | false | null>([
    ...layers.map((layer) => layer.plugins),
    Object.fromEntries(builtIn.map((name) => [name, {}])),
  ])
  return Object.fromEntries(
    Object.entries(chosen)
      .filter(([, settings]) => settings !== false)
      .map(([name, settings]) => [name, settings || {}]),
  )
}

/** The earlier table wins, name by name. */
function mergeByName<Value>(tables: readonly (Readonly<Record<string, Value>> | undefined)[]): Record<string, Value> {
  return Object.assign({}, ...tables.toReversed())
}

/** A container may run under a number that has no name. */
function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 0}`
  }
}
