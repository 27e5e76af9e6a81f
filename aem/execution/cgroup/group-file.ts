import { readFileSync } from 'node:fs'
import { mkdir, rmdir, writeFile } from 'node:fs/promises'

/** The files of a control group are read at once: the kernel answers from memory. */
export function readGroupFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** A file that is one number; undefined where there is none, or it says `max`. */
export function readNumber(file: string): number | undefined {
  const number = Number(readGroupFile(file) ?? Number.NaN)
  return Number.isFinite(number) ? number : undefined
}

/** The number behind `key` in a file of lines `key number`. */
export function readField(file: string, key: string): number | undefined {
  const line = readGroupFile(file)
    ?.split('\n')
    .find((text) => text.startsWith(`${key} `))
  return line === undefined ? undefined : Number(line.slice(key.length + 1))
}

/** Writes as the kernel wants it: one write, into a file that is there. */
export function writeGroupFile(file: string, value: string | number): Promise<void> {
  return writeFile(file, String(value), { flag: 'r+' })
}

export async function tryToWrite(file: string, value: string | number): Promise<boolean> {
  try {
    await writeGroupFile(file, value)
    return true
  } catch {
    return false
  }
}

export function membersOf(directory: string): number[] {
  const text = readGroupFile(`${directory}/cgroup.procs`)
  return text ? text.split('\n').map(Number) : []
}

export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** Asks again and again, `WAIT_STEP_MS` apart; false where it does not hold in time. */
export async function holdsWithin(condition: () => boolean, waitMs: number): Promise<boolean> {
  const giveUpMs = performance.now() + waitMs
  while (!condition()) {
    if (performance.now() > giveUpMs) return false
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS))
  }
  return true
}

const WAIT_STEP_MS = 5

/** Makes the group `directory`; those above it are there. */
export async function makeGroup(directory: string): Promise<void> {
  await mkdir(directory)
}

/** Removes a group, which may take its last members' end a moment to be known. One that is gone is no error. */
export async function removeGroup(directory: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rmdir(directory)
      return
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY' || tries === REMOVE_TRIES) throw thrown
      await new Promise((resolve) => setTimeout(resolve, REMOVE_STEP_MS))
    }
  }
}

const REMOVE_TRIES = 20
const REMOVE_STEP_MS = 25
