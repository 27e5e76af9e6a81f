import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RoostError } from '../../overlay/index.ts'
import type { NodeReport } from '../surface/index.ts'
import { DemoShell } from './demo-shell.ts'
import { devDir, isRunning, readGrid, type DevGrid } from './grid-file.ts'
import { startGrid, stopGrid, type DevTools } from './grid.ts'

export interface DemoOptions {
  /** Leaves the grid running, in the usual place of dev grids. */
  readonly keep: boolean
  /** A line of the demonstration. */
  line(text: string): void
}

const DAEMON_COUNT = 5

/** What the demonstration asks the grid for; every machine of the last fifteen years fits. */
const QUERY = 'Cores >= 1 && Memory >= 64MiB'

/** The daemon that dies. Not the first, which the commands talk to. */
const VICTIM = 4

/** How long membership may take to see that a node has died. */
const DEATH_MS_MAX = 20_000
const GATHER_MS_MAX = 20_000

/**
 * Starts five daemons, finds machines, runs a job of four units on a real file, kills a daemon, and ends: with the commands
 * that a user would type, each of whose results is checked. Rejects at the first that is not what it should be.
 */
export async function runDemo(tools: DevTools, options: DemoOptions): Promise<void> {
  const dir = options.keep ? devDir(tools.env) : await mkdtemp(join(tmpdir(), 'roost-demo-'))
  const shell = new DemoShell(dir, tools, options.line)
  let isKept = false
  try {
    shell.step(`starting ${DAEMON_COUNT} daemons, each a process with its own key and directory in ${dir}`)
    const grid = await startGrid(dir, DAEMON_COUNT, { ...tools, progress: (text) => shell.step(text) })
    await showNodes(shell)
    await showFind(shell)
    await showJob(shell)
    await showDeath(shell, grid)
    isKept = options.keep
  } finally {
    // Also after a failure: a demonstration leaves nothing behind that nobody asked for.
    if (!isKept) await stopGrid(dir, { signal: AbortSignal.timeout(DEATH_MS_MAX) }).catch(() => 0)
  }
  if (options.keep) tellHowToGoOn(shell, dir, tools)
  else await showEnd(shell, dir)
}

async function showNodes(shell: DemoShell): Promise<void> {
  shell.step('waiting until every node knows every other')
  await shell.until(GATHER_MS_MAX, `all ${DAEMON_COUNT} nodes alive at daemon 1`, async () => {
    const { nodes } = await shell.get<{ nodes: NodeReport[] }>('/nodes')
    return nodes.filter((node) => node.state === 'alive').length === DAEMON_COUNT
  })
  await shell.roost('nodes')
}

async function showFind(shell: DemoShell): Promise<void> {
  shell.step('asking for machines')
  const found = await shell.roost('find', QUERY)
  for (let number = 1; number <= DAEMON_COUNT; number++)
    shell.check(found.includes(` dev-${number} `), `find returns daemon ${number}`)
}

async function showJob(shell: DemoShell): Promise<void> {
  const job = exampleFile('wordcount.yaml')
  const words = countWords(readFileSync(exampleFile('mariner.txt'), 'utf8'))
  shell.step(`submitting a job of four units that count the words of a text (there are ${words})`)
  const { id } = await shell.roostJson<{ id: string }>('submit', job)
  const output = await shell.roost('logs', '-f', id)
  const counts = [...output.matchAll(/unit (\d+) of 4: (\d+) words/g)]
  const units = new Set(counts.map(([, unit]) => unit))
  const sum = counts.reduce((total, [, , count]) => total + Number(count), 0)
  shell.check(units.size === 4 && counts.length === 4, `four units print their counts, not ${counts.length}`)
  shell.check(sum === words, `the units' counts add up to ${words}, not ${sum}`)
  await shell.roost('wait', id)
  shell.step(`${counts.map(([, , count]) => count).join(' + ')} = ${sum}: right`)
  const jobs = await shell.roost('ps', '--all')
  shell.check(/ wordcount +done /.test(jobs), 'the job is done')
}

async function showDeath(shell: DemoShell, grid: DevGrid): Promise<void> {
  const victim = grid.daemons.find((daemon) => daemon.number === VICTIM)!
  shell.step(`killing daemon ${VICTIM} with SIGKILL`)
  await shell.roost('dev', 'kill', String(VICTIM))
  const killedAtMs = performance.now()
  await shell.until(DEATH_MS_MAX, `daemon ${VICTIM} dead at daemon 1`, async () => {
    const { nodes } = await shell.get<{ nodes: NodeReport[] }>('/nodes')
    return nodes.find((node) => node.id === victim.id)?.state === 'dead'
  })
  shell.step(`the grid noticed after ${((performance.now() - killedAtMs) / 1000).toFixed(1)} s`)
  await shell.roost('nodes')
  const found = await shell.roost('find', QUERY)
  for (const { number, name } of grid.daemons)
    shell.check(found.includes(` ${name} `) === (number !== VICTIM), `find returns the living and not daemon ${VICTIM}`)
  shell.step(`find returns the ${DAEMON_COUNT - 1} that live`)
}

async function showEnd(shell: DemoShell, dir: string): Promise<void> {
  const left = (await readGrid(dir))?.daemons.filter(isRunning) ?? []
  shell.check(left.length === 0 && !existsSync(dir), 'every daemon has ended and its files are gone')
  shell.step('stopped; all of it happened')
}

function tellHowToGoOn(shell: DemoShell, dir: string, { env }: DevTools): void {
  shell.step('all of it happened; the grid stays up')
  const isUsual = !env['ROOST_DEV_DIR']
  shell.line(isUsual ? `talk to it:  export ROOST_DEV_DIR=${dir}` : `talk to it (ROOST_DEV_DIR is ${dir}):`)
  shell.line('             roost nodes')
  shell.line(`             roost run -- hostname`)
  shell.line(`             roost dev restart ${VICTIM}`)
  shell.line('end it:      roost dev down')
}

function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}

/** `examples/` lies beside the code in a checkout, and one step above what was built from it. */
function exampleFile(name: string): string {
  const found = ['../../examples/', '../../../examples/']
    .map((base) => fileURLToPath(new URL(base + name, import.meta.url)))
    .find((file) => existsSync(file))
  if (found) return found
  throw new RoostError('FILE_UNREADABLE', `examples/${name} is missing from this installation`)
}
