// How long does a command take that asks nobody, and how much of that is Node.js itself?
//
// Baseline: `node -e 0`. Where `dist/` is built, that is measured, and the TypeScript as it is besides; `--quick` runs briefly.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { header, quick, row, summary, timeMs } from './support/report.ts'

const ROUND_COUNT = quick ? 5 : 31
const ROOT = join(import.meta.dirname, '..')
const LAUNCHER = join(ROOT, 'roost')

interface Candidate {
  readonly name: string
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly samplesMs: number[]
}

const isBuilt = existsSync(join(ROOT, 'dist', 'roost.js'))
const source = { ...process.env, ROOST_BUILT: '' }
const built = { ...process.env, ROOST_BUILT: '1' }
const candidates: Candidate[] = [
  { name: 'node -e 0 (baseline)', command: [process.execPath, '-e', '0'], env: source, samplesMs: [] },
  ...[['--version'], ['expr', '1']].flatMap((args): Candidate[] => {
    const command = [LAUNCHER, ...args]
    return [
      ...(isBuilt ? [{ name: `roost ${args.join(' ')}, built`, command, env: built, samplesMs: [] }] : []),
      { name: `roost ${args.join(' ')}, from source`, command, env: source, samplesMs: [] },
    ]
  }),
]

header('How long does a command take that asks nobody, beside Node.js alone?', { rounds: ROUND_COUNT })
if (!isBuilt) console.log('  dist/ is not built (`npm run build`): from source alone')
// One round of each in turn, so that a busy moment of the machine falls on all of them; the first fills caches.
for (let round = -1; round < ROUND_COUNT; round++)
  for (const { command, env, samplesMs } of candidates) {
    const ms = await timeMs(() => run(command, env))
    if (round >= 0) samplesMs.push(ms)
  }
const baselineMs = summary(candidates[0]!.samplesMs).median
for (const { name, samplesMs } of candidates) row(name, samplesMs, 'ms', baselineMs)

function run([program, ...args]: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status, stderr } = spawnSync(program!, args, { env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with status ${status}: ${stderr}`)
}
