import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Machine, until, type Outcome } from '../../support/machine.ts'
import { gridOf, type Member } from '../../support/machines.ts'

/** Jobs that three real daemons keep, and what becomes of them when the one that they were submitted at dies. */

let machines: Machine[]
let members: Member[]

beforeEach(async () => {
  machines = []
  members = await gridOf(4, machines, {}, 'plugins:\n  aem: { copies: 3 }\n')
  for (const name of ['n2', 'n4'] as const) {
    const { machine } = members[name === 'n2' ? 1 : 3]!
    expect((await machine.run('node', 'label', `worker=${name}`)).status).toBe(0)
  }
})
afterEach(async () => {
  for (const machine of machines) await machine.end()
})

const kill = ({ machine, daemon }: Member): Promise<void> => machine.kill(daemon, 'SIGKILL')

/** A job file of the first machine, submitted there. */
async function submit(text: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const { machine } = members[0]!
  for (const [name, content] of Object.entries({ ...files, 'job.yaml': text }))
    writeFileSync(join(machine.home, name), content)
  return (await machine.json('submit', join(machine.home, 'job.yaml'))).id
}

test('a job runs on to its end, and is watched all the way, when the node that it was submitted at is killed', async () => {
  const [first, , , watching] = members as [Member, Member, Member, Member]
  const id = await submit('run: sleep 6; exit 3\nwhere: worker == "n2"\n')
  const watched: Promise<Outcome> = watching.machine.run('wait', id)
  await until('it runs', async () => (await stateOf(watching, id)) === 'running')
  await kill(first)
  expect((await watched).status).toBe(3)
  const job = await watching.machine.json('show', id)
  expect(job).toMatchObject({ state: 'failed', exitCode: 3, units: [{ attempt: 1, state: 'exited' }] })
})

test('a job that waits is started by who takes over, with the files that it came with; the home then takes new ones when it is back', async () => {
  const [first, second, , fourth] = members as [Member, Member, Member, Member]
  await kill(fourth)
  await until('it is gone', async () => (await first.machine.ask('/status')).nodes.alive === 3)
  const id = await submit('run: test $(wc -w < words) = 3\nwhere: worker == "n4"\nstage: { in: [words] }\n', {
    words: 'one two three',
  })
  await kill(first)
  fourth.daemon = await fourth.machine.up()
  await until('it is done', async () => (await stateOf(second, id)) === 'done', 60_000)
  first.daemon = await first.machine.up()
  await until('the home knows how it ended', async () => (await stateOf(first, id)) === 'done')
  expect((await first.machine.run('run', '--', 'true')).status).toBe(0)
})

test('a grid that loses its power has its jobs when most of it is back', async () => {
  for (const { machine } of members)
    machine.env['ROOST_PORT'] = /\/tcp\/(\d+)/.exec((await machine.ask('/status')).addresses[0])![1]
  const id = await submit('run: exit 4\nwhere: worker == "nobody"\n')
  for (const member of members) await kill(member)
  const [, ...others] = members as [Member, Member, Member, Member]
  for (const member of others) member.daemon = await member.machine.up()
  await until('it is there', async () => (await stateOf(others[0]!, id)) === 'queued', 60_000)
})

test('a node that kept its jobs alone takes them onto a board when it is told to keep copies', async () => {
  const [first, , , watching] = members as [Member, Member, Member, Member]
  first.machine.configure('plugins:\n  aem: { copies: 1 }\n')
  await first.machine.kill(first.daemon, 'SIGTERM')
  first.daemon = await first.machine.up()
  const id = await submit('run: exit 4\nwhere: worker == "nobody"\n')
  first.machine.configure('plugins:\n  aem: { copies: 3 }\n')
  await first.machine.kill(first.daemon, 'SIGTERM')
  first.daemon = await first.machine.up()
  await until('it is there', async () => (await stateOf(first, id)) === 'queued')
  await kill(first)
  await until('others have it', async () => (await stateOf(watching, id)) === 'queued')
})

/** Undefined while nobody who controls it answers. */
async function stateOf({ machine }: Member, id: string): Promise<string | undefined> {
  return (await machine.ask(`/aem/jobs/${id}`).catch(() => undefined))?.state
}
