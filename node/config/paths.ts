import { join } from 'node:path'
import { configDirectoryPath, dataDirectoryPath, SYSTEM_CONFIG_DIRECTORY } from '../data/index.ts'

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface DefaultPaths {
  /** Where the daemon keeps what it must not lose. */
  readonly dataDir: string
  /** Where the user's own key and certificates lie. */
  readonly userDir: string
  /** Configuration files, the one that counts more first. */
  readonly configFiles: readonly string[]
}

/** Where roost looks when no setting says otherwise (`node/data/paths.ts` has the rules). */
export function defaultPaths(env: Environment): DefaultPaths {
  const from = { env, uid: process.getuid?.() }
  const userDir = configDirectoryPath(undefined, from)
  const dirs = new Set([userDir, SYSTEM_CONFIG_DIRECTORY])
  return {
    dataDir: dataDirectoryPath(undefined, from),
    userDir,
    configFiles: [...dirs].map((dir) => join(dir, 'config.yaml')),
  }
}
