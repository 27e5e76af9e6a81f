import { access, constants, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { run } from './run.ts'

/** All programs together; one that has not told its version by then is offered without. */
export const SOFTWARE_MS_MAX = 3_000

/** One program. Most answer within 50 ms. */
const PROGRAM_MS_MAX = 1_500

/** Asked at the same time: more would make a small machine slow to start. */
const PROGRAMS_AT_ONCE = 2

/** How to ask, where `--version` is not the way. Undefined: asking is expensive, so the name must do. */
const VERSION_ARGUMENTS: Readonly<Record<string, readonly string[] | undefined>> = {
  java: ['-version'],
  go: ['version'],
  ffmpeg: ['-version'],
  blender: undefined,
  docker: undefined,
  podman: undefined,
  apptainer: undefined,
}

/** What a program is also called, so that a query need not know which file it is. */
const ALSO_CALLED: Readonly<Record<string, string>> = { python3: 'python', rustc: 'rust', mpirun: 'mpi' }

/**
 * The programs that are there, as the attribute `Software` has them: each as `name`, and as `name/version` where it tells
 * one. `wanted` are names to look for on `path` (colon-separated), or paths of their own.
 */
export async function measureSoftware(wanted: readonly string[], path: string): Promise<readonly string[]> {
  const deadlineMs = performance.now() + SOFTWARE_MS_MAX
  const found: string[] = []
  const queue = [...new Set(wanted)]
  const work = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift())
      found.push(...(await describeProgram(name, path, deadlineMs)))
  }
  await Promise.all(Array.from({ length: PROGRAMS_AT_ONCE }, work))
  return [...new Set(found)].toSorted()
}

async function describeProgram(wanted: string, path: string, deadlineMs: number): Promise<string[]> {
  const file = await findProgram(wanted, path)
  if (file === undefined) return []
  const program = basename(wanted)
  const names = [program, ...(Object.hasOwn(ALSO_CALLED, program) ? [ALSO_CALLED[program]!] : [])]
  const timeoutMs = Math.min(PROGRAM_MS_MAX, Math.floor(deadlineMs - performance.now()))
  const args = Object.hasOwn(VERSION_ARGUMENTS, program) ? VERSION_ARGUMENTS[program] : ['--version']
  const output = args && timeoutMs > 0 ? await run(file, args, { timeoutMs }) : undefined
  const version = output === undefined ? undefined : versionIn(output)
  return version === undefined ? names : names.flatMap((name) => [name, `${name}/${version}`])
}

/** The first thing in the output that looks like a version: numbers with a dot between them. */
function versionIn(output: string): string | undefined {
  return /(?<![\w.])[vV]?(?:go)?(\d+(?:\.\d+)+)/.exec(output)?.[1]?.slice(0, 32)
}

async function findProgram(wanted: string, path: string): Promise<string | undefined> {
  const candidates = wanted.includes('/')
    ? [wanted]
    : path
        .split(':')
        .filter((dir) => dir.startsWith('/'))
        .map((dir) => join(dir, wanted))
  for (const file of candidates) if (await isExecutable(file)) return file
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
