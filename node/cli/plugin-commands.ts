import type { Command } from 'commander'
import type { Plugin } from '../../overlay/contract/index.ts'
import { asRoostError, RoostError } from '../../overlay/index.ts'
import type { Session } from './session.ts'

/** A plugin, or why it did not load: another plugin's words must work all the same. */
type Loaded = { readonly name: string; readonly plugin: Plugin } | { readonly name: string; readonly error: RoostError }

/** Adds the words of every plugin for `roost help`; their modules are not loaded. */
export async function addPluginWords(program: Command, session: Session): Promise<void> {
  for (const loaded of await loadPlugins(session))
    if ('plugin' in loaded) addWords(program, loaded.plugin)
    else session.output.progress(`plugin ${loaded.name}: ${loaded.error.message}`)
}

/** Adds every command of every plugin, with its flags: their modules are loaded. */
export async function addAllPluginCommands(program: Command, session: Session): Promise<void> {
  for (const loaded of await loadPlugins(session))
    if ('plugin' in loaded) (await loaded.plugin.commands?.load())?.register(program, session)
    else session.output.progress(`plugin ${loaded.name}: ${loaded.error.message}`)
}

/** Adds the commands of the plugin that has this word; where none has it, all words, so that a near one can be named. */
export async function addPluginCommands(program: Command, session: Session, word: string): Promise<void> {
  const all = await loadPlugins(session)
  const owner = all.find((loaded) => 'plugin' in loaded && Object.hasOwn(loaded.plugin.commands?.words ?? {}, word))
  if (owner && 'plugin' in owner) {
    const module = await owner.plugin.commands!.load()
    module.register(program, session)
    return
  }
  const broken = all.find((loaded) => 'error' in loaded)
  if (broken && 'error' in broken)
    throw new RoostError(
      'PLUGIN_FAILED',
      `no command "${word}", but the plugin ${broken.name} did not load: ${broken.error.message}`,
      {
        cause: broken.error,
        hint: broken.error.hint,
      },
    )
  await addPluginWords(program, session)
}

/** The built-in plugins first. Importing a plugin is cheap by its contract; what it runs on is not loaded here. */
async function loadPlugins({ host, settings }: Session): Promise<Loaded[]> {
  const { loadPlugin } = await import('../host/index.ts')
  const { plugins, dataDir } = await settings()
  return Promise.all(
    Object.keys(plugins).map(async (name): Promise<Loaded> => {
      try {
        return {
          name,
          plugin: await loadPlugin(name, { builtIn: host.builtInPlugins, searchDirs: [dataDir, process.cwd()] }),
        }
      } catch (error) {
        return { name, error: asRoostError(error) }
      }
    }),
  )
}

function addWords(program: Command, plugin: Plugin): void {
  for (const [word, description] of Object.entries(plugin.commands?.words ?? {}))
    program.command(word).description(description).helpGroup(`From the plugin ${plugin.name}:`)
}
