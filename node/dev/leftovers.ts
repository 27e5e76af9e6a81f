import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Ends what jobs of a dev grid still run when its daemons are gone: a unit outlives its daemon by design, but its sandbox is
 * about to be removed. A unit is known by the sandbox that stands in its environment. Linux alone shows that; elsewhere units
 * end by themselves.
 */
export async function endUnits(dir: string): Promise<number> {
  const mark = `\0ROOST_SANDBOX=${join(dir, '/')}`
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number)
  const ended = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      if (pid === process.pid || !`\0${environment}`.includes(mark)) return false
      try {
        return process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself a moment ago.
        return false
      }
    }),
  )
  return ended.filter(Boolean).length
}
