import { makePrivateDirectory } from './write-file.ts'
import type { SoundLevel } from './sound-level.ts'

export type { SoundLevel } from './sound-level.ts'

/**
 * What a database keeps in memory: of what was written last, twice at most while it goes to a table, and of what was read. LevelDB
 * would take 4 and 8 MiB. More writes larger tables, which only who writes without pause notices.
 */
export interface DatabaseMemory {
  readonly writeBufferSize: number
  readonly cacheSize: number
}

/** For what is small and changes all day: a daemon's own memory is worth more. */
export const SMALL_MEMORY: DatabaseMemory = { writeBufferSize: 1_048_576, cacheSize: 2_097_152 }

/** Opens a database in a directory of its own, which it makes; fails as `level` does. */
export async function openLevel(path: string, memory?: DatabaseMemory): Promise<SoundLevel> {
  await makePrivateDirectory(path)
  // Loaded here, since the command line comes in by the same door and never opens a database.
  const { SoundLevel } = await import('./sound-level.ts')
  const level = new SoundLevel(path, { valueEncoding: 'view', ...memory })
  await level.open()
  return level
}
