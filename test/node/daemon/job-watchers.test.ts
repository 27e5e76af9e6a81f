import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gridOf, type Member } from '../../support/machines.ts'
import { Machine, until, type Outcome } from '../../support/machine.ts'

/** Who follows a job from another machine sees exactly its log, whatever becomes of the daemons meanwhile. */

const machines: Machine[] = []
let grid: Member[]
beforeAll(async () => {
  grid = await gridOf(2, machines)
}, 300_000)
afterAll(async () => {
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual(machines.map(() => 0))
  await Promise.all(machines.map((machine) => machine.end()))
})

interface Watching {
  readonly numbers: number[]
  readonly outcome: Promise<Outcome>
}

/** `roost events -f` on a machine, as it goes. */
function watch({ machine }: Member, id: string): Watching {
  const numbers: number[] = []
  let rest = ''
  const onSpawn = (child: ChildProcess): void => {
    child.stdout!.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) numbers.push((JSON.parse(line) as { number: number }).number)
    })
  }
  return { numbers, outcome: machine.runWith({ onSpawn }, '--json', 'events', '-f', id) }
}

/** A job on the first machine that ends when a file is there, watched from the second. */
async function begin(): Promise<{ id: string; watching: Watching; end(): void; log(): Promise<unknown[]> }> {
  const [first, second] = grid as [Member, Member]
  const gate = join(first.machine.home, `gate-${Math.random()}`)
  const file = join(first.machine.home, 'job.yaml')
  writeFileSync(file, `run: while [ ! -e '${gate}' ]; do sleep 0.1; done`)
  const { id } = await first.machine.json('submit', file)
  const watching = watch(second, id)
  await until('it is watched', () => watching.numbers.length >= 4)
  const log = async (): Promise<unknown[]> => {
    const { stdout } = await first.machine.run('--json', 'events', id)
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  return { id, watching, end: () => writeFileSync(gate, ''), log }
}

async function expectWhole(watching: Watching, log: () => Promise<unknown[]>): Promise<void> {
  const { status, stdout } = await watching.outcome
  expect(status).toBe(0)
  const seen = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(seen).toEqual(await log())
  expect(seen.at(-1)).toMatchObject({ type: 'ended', state: 'done' })
}

test('a controller that stands still and goes on, or is killed and comes back, is followed to the end', async () => {
  const [first] = grid as [Member]
  const { watching, end, log } = await begin()
  first.daemon.kill('SIGSTOP')
  end()
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  first.daemon.kill('SIGCONT')
  await expectWhole(watching, log)

  const other = await begin()
  await first.machine.kill(first.daemon)
  other.end()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  first.daemon = await first.machine.up()
  await expectWhole(other.watching, other.log)
})

test('a watcher whose own daemon is killed and comes back goes on where it was', async () => {
  const [, second] = grid as [Member, Member]
  const { watching, end, log } = await begin()
  await second.machine.kill(second.daemon)
  end()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  second.daemon = await second.machine.up()
  await expectWhole(watching, log)
})
