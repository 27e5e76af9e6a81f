import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/**
 * The variable that makes processes started here share this one's cache of compiled modules from their first line on: a
 * process that runs from TypeScript then starts in half the time.
 */
export function compileCacheVariable(): { readonly NODE_COMPILE_CACHE?: string } {
  // Node.js keeps a directory for each of its versions below the one that it is given.
  const dir = getCompileCacheDir()
  return dir === undefined ? {} : { NODE_COMPILE_CACHE: dirname(dir) }
}
