import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'

/** Doors of the plugins that come with roost, by name. */
export type BuiltInPlugins = Readonly<Record<string, () => Promise<Plugin>>>

/**
 * A plugin by the name that the configuration gives: a built-in one, or a package, looked for where roost is installed and
 * then from `searchDirs`. Rejects with `PLUGIN_FAILED` where it is missing, does not load, or exports no plugin.
 */
export async function loadPlugin(
  name: string,
  options: { builtIn: BuiltInPlugins; searchDirs: readonly string[] },
): Promise<Plugin> {
  const builtIn = Object.hasOwn(options.builtIn, name) ? options.builtIn[name] : undefined
  if (builtIn) return builtIn()
  const path = resolvePackage(name, options.searchDirs)
  let loaded: Record<string, unknown>
  try {
    loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (cause) {
    throw new RoostError(
      'PLUGIN_FAILED',
      `the package ${name} does not load: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
  if (!isPlugin(loaded['plugin']))
    throw new RoostError(
      'PLUGIN_FAILED',
      `the package ${name} exports no \`plugin\` with a name, a version, needs, provides and start()`,
    )
  return loaded['plugin']
}

function resolvePackage(name: string, searchDirs: readonly string[]): string {
  for (const base of [import.meta.url, ...searchDirs.map((dir) => pathToFileURL(join(dir, 'package.json')).href)]) {
    const manifestPath = packageManifest(name, base)
    if (manifestPath === undefined) continue
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { exports?: unknown; main?: unknown }
    const entry = importEntry(manifest.exports) ?? (typeof manifest.main === 'string' ? manifest.main : 'index.js')
    return join(dirname(manifestPath), entry)
  }
  throw new RoostError('PLUGIN_FAILED', `no plugin and no package is called ${name}`, {
    hint: `install it beside roost: npm install ${name}`,
  })
}

function packageManifest(name: string, base: string): string | undefined {
  try {
    return findPackageJSON(name, base)
  } catch {
    return undefined
  }
}

/** What `import` of the bare package name gives, out of its `exports` (Node.js documentation, Packages, conditional exports). */
function importEntry(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports
  if (typeof exports !== 'object' || exports === null) return undefined
  for (const [key, value] of Object.entries(exports)) {
    if (key === '.' || key === 'import' || key === 'node' || key === 'default') {
      const entry = importEntry(value)
      if (entry !== undefined) return entry
    }
  }
  return undefined
}

function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== 'object' || value === null) return false
  const plugin = value as Partial<Record<keyof Plugin, unknown>>
  return (
    typeof plugin.name === 'string' &&
    typeof plugin.version === 'string' &&
    Array.isArray(plugin.needs) &&
    Array.isArray(plugin.provides) &&
    typeof plugin.start === 'function'
  )
}
