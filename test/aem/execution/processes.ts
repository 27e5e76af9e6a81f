import { readFileSync } from 'node:fs'

/** The state of a process as /proc has it; undefined for one that is gone or only waits to be reaped. */
export function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0]!
    return state === 'Z' || state === 'X' ? undefined : state
  } catch {
    return undefined
  }
}

export async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
