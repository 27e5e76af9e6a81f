import { glob, stat } from 'node:fs/promises'
import { matchesGlob } from 'node:path'
import { RoostError } from '../../overlay/index.ts'
import { isSafeName, resolveWithin } from '../disk/index.ts'

/** Files of one unit that can be named at once; the rest is not listed, and `isWhole` says so. */
export const OUTPUT_FILES_MAX = 1_000

export interface OutputFile {
  readonly name: string
  readonly bytes: number
}

/** The files in the sandbox that the job's `stage.out` names. Links that lead out of it are left out. */
export async function listOutputs(
  sandbox: string,
  patterns: readonly string[],
): Promise<{ files: OutputFile[]; isWhole: boolean }> {
  const files = new Map<string, OutputFile>()
  const safePatterns = patterns.filter(isSafeName)
  if (safePatterns.length === 0) return { files: [], isWhole: true }
  for await (const name of glob(safePatterns, { cwd: sandbox })) {
    const file = await resolveWithin(sandbox, name)
    if (file === undefined) continue
    const { size, isFile } = await stat(file).then((found) => ({ size: found.size, isFile: found.isFile() }))
    if (!isFile) continue
    if (files.size === OUTPUT_FILES_MAX) return { files: sorted(files), isWhole: false }
    files.set(name, { name, bytes: size })
  }
  return { files: sorted(files), isWhole: true }
}

/** The real path of one of them; `RECORD_NOT_FOUND` where there is none of this name, or the job does not give it out. */
export async function findOutput(sandbox: string, patterns: readonly string[], name: string): Promise<string> {
  const isNamed = patterns.some((pattern) => isSafeName(pattern) && matchesGlob(name, pattern))
  const file = isNamed ? await resolveWithin(sandbox, name) : undefined
  if (file !== undefined && (await stat(file)).isFile()) return file
  throw new RoostError('RECORD_NOT_FOUND', `the unit has no output file ${JSON.stringify(name)}`, {
    hint: 'only files that `stage: { out: [...] }` of the job names can be fetched; `roost get JOB` takes all of them',
  })
}

function sorted(files: ReadonlyMap<string, OutputFile>): OutputFile[] {
  return [...files.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}
