import { makePrivateDirectory } from './write-file.ts'
import type { SoundLevel } from './sound-level.ts'

export type { SoundLevel } from './sound-level.ts'

/** Opens a database in a directory of its own, which it makes; fails as `level` does. */
export async function openLevel(path: string): Promise<SoundLevel> {
  await makePrivateDirectory(path)
  // Loaded here, since the command line comes in by the same door and never opens a database.
  const { SoundLevel } = await import('./sound-level.ts')
  const level = new SoundLevel(path, { valueEncoding: 'view' })
  await level.open()
  return level
}
