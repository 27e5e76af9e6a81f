import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Real inputs, read in place. */
const folder = process.env['ROOST_CASES'] ?? join(import.meta.dirname, '../../../shared/cases')

/** The path of a real input, or undefined, said aloud, where it is not on this machine. */
export function casePath(name: string): string | undefined {
  const path = join(folder, name)
  if (existsSync(path)) return path
  process.stderr.write(`skipped: there is no ${path} (ROOST_CASES names the folder)\n`)
  return undefined
}

export function readCase(path: string): string {
  return readFileSync(path, 'utf8')
}
