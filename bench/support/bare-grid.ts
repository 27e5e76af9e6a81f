import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How many start at the same time, as in a dev grid. */
const STARTS_AT_ONCE = 4
/** As daemons are started. */
const NODE_FLAGS = ['--max-semi-space-size=8']

export interface BareNode {
  readonly pid: number
  /** Its open connections, as it counts them. */
  connectionsCount(): Promise<number>
}

/** Starts bare libp2p nodes that find each other by the first of them, runs, and ends them whatever happens. */
export async function withBareNodes(count: number, run: (nodes: readonly BareNode[]) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'roost-bench-'))
  const children: ChildProcess[] = []
  try {
    const contacts = await start(join(home, '1'), [], children)
    const waiting = Array.from({ length: count - 1 }, (_, index) => index + 2)
    const work = async (): Promise<void> => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift())
        await start(join(home, String(number)), contacts.slice(0, 1), children)
    }
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, work))
    await run(children.map(nodeOf))
  } finally {
    for (const child of children) child.kill('SIGKILL')
    rmSync(home, { recursive: true, force: true })
  }
}

async function start(
  directory: string,
  contacts: readonly string[],
  children: ChildProcess[],
): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'bare-stack.ts')
  const child = spawn(process.execPath, [...NODE_FLAGS, script, directory, ...contacts], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  children.push(child)
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (part: string) => (text += part))
  while (!text.endsWith('\n\n')) {
    const [news] = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
    if (typeof news !== 'string') throw new Error('a bare libp2p node ended')
  }
  return text.trim().split('\n')
}

function nodeOf(child: ChildProcess): BareNode {
  return {
    pid: child.pid!,
    async connectionsCount() {
      const reply = once(child, 'message')
      child.send('connections')
      return Number((await reply)[0])
    },
  }
}
