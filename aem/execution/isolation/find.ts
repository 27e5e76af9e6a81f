import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Bubblewrap } from './bubblewrap.ts'
import { isBelow, NOBODY, SYSTEM_PATHS, type Isolator } from './isolator.ts'
import { findTools } from './tools.ts'
import { Unshare } from './unshare.ts'

/** Which isolation works on this machine. That the programs are there does not tell; a view is made with each, and looked at from within. */

export interface FoundIsolation {
  readonly isolator: Isolator | undefined
  /** Why there is none, in words. */
  readonly lacks: string | undefined
}

const TRIAL_MS = 10_000
/** A trial that comes to its end unseen by the rest: it writes in its sandbox, cannot write to the system, and sees few processes. */
const TRIAL =
  'touch here && ! touch /etc/roost-trial 2>/dev/null && [ ! -e "$1" ] && [ -e /tmp ] && set -- /proc/[0-9]* && [ $# -lt 9 ] && echo isolated'

/** `root` is where the sandboxes are. */
export async function findIsolation(root: string, only?: Isolator['name']): Promise<FoundIsolation> {
  if (process.platform !== 'linux') return { isolator: undefined, lacks: 'isolation is done on Linux alone' }
  const place = await realpath(root)
  const system = SYSTEM_PATHS.find((path) => isBelow(place, path))
  if (system !== undefined)
    return { isolator: undefined, lacks: `the data directory lies in ${system}, which isolated units would see` }
  const tools = findTools(process.env['PATH'] ?? '')
  const user = process.getuid!() === 0 ? NOBODY : undefined
  const isolators = [
    ...(tools?.bwrap && (user === undefined || tools.setpriv) ? [new Bubblewrap(tools, user)] : []),
    ...(tools?.unshare && tools.setpriv ? [new Unshare(tools, user)] : []),
  ].filter(({ name }) => only === undefined || name === only)
  for (const isolator of isolators) if (await works(isolator, place)) return { isolator, lacks: undefined }
  return {
    isolator: undefined,
    lacks:
      isolators.length === 0
        ? 'neither bubblewrap nor unshare and setpriv of util-linux are here'
        : `${isolators.map(({ name }) => name).join(' and ')} may not make name spaces here`,
  }
}

async function works(isolator: Isolator, place: string): Promise<boolean> {
  const directory = await mkdtemp(join(place, '.trial-'))
  try {
    const [work, tmp, root] = ['work', 'tmp', 'root'].map((name) => join(directory, name)) as [string, string, string]
    for (const path of [work, tmp, root]) await mkdir(path, { mode: 0o700 })
    if (isolator.user) for (const path of [work, tmp]) await chown(path, isolator.user.uid, isolator.user.gid)
    const view = { work, tmp, cwd: work, socketDirectory: undefined, root, hasNetwork: false }
    const [program, ...words] = [...isolator.wrap(view), 'sh', '-c', TRIAL, 'trial', `${directory}/root`]
    const { stdout } = await promisify(execFile)(program!, words, { timeout: TRIAL_MS, killSignal: 'SIGKILL' })
    return stdout === 'isolated\n'
  } catch {
    return false
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
