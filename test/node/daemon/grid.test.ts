import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Machine, until } from '../../support/machine.ts'

/** The whole path with real daemons on loopback, each a process of its own with its own key and data directory. */

let machines: Machine[] = []
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.end()))
})

function machine(settings: Readonly<Record<string, string>> = {}): Machine {
  const made = new Machine(settings)
  machines.push(made)
  return made
}

/** A grid of daemons that all know each other. */
async function grid(
  count: number,
): Promise<{ machine: Machine; daemon: Awaited<ReturnType<Machine['up']>>; id: string }[]> {
  const nodes: Awaited<ReturnType<typeof grid>> = []
  for (let index = 0; index < count; index++) {
    const here = machine({ ROOST_NAME: `n${index + 1}` })
    const ticket = index === 0 ? undefined : (await nodes[0]!.machine.json('invite')).ticket
    const daemon = await here.up(...(ticket === undefined ? [] : ['--join', ticket]))
    nodes.push({ machine: here, daemon, id: (await here.ask('/status')).id })
  }
  for (const node of nodes)
    await until(`${node.id} knows all`, async () => (await aliveNames(node.machine)).length === count)
  return nodes
}

async function aliveNames(here: Machine): Promise<string[]> {
  const { nodes } = await here.ask('/nodes')
  return nodes
    .filter((node: any) => node.state === 'alive')
    .map((node: any) => node.name)
    .sort()
}

async function foundNames(here: Machine, where: string): Promise<string[]> {
  const { nodes } = await here.ask('/find', { where, count: 50 })
  return nodes.map((node: any) => node.name).sort()
}

/** Labels a node, so that a job can be sent to it, and waits until the one that will ask finds it. */
async function paintRed(painted: { machine: Machine }, asking: { machine: Machine }): Promise<void> {
  await painted.machine.run('node', 'label', 'colour=red')
  await until('the label spread', async () => (await foundNames(asking.machine, 'colour == "red"')).length === 1)
}

describe('a grid', () => {
  test('is joined with a ticket, searched by what machines are, and runs a job where the query says', async () => {
    const [first, second, third] = await grid(3)
    expect(await foundNames(second!.machine, 'Cores >= 1 && Memory > 1MiB')).toEqual(['n1', 'n2', 'n3'])
    expect(await foundNames(second!.machine, 'Cores > 100000')).toEqual([])
    await third!.machine.run('node', 'label', 'colour=red')
    await until(
      'the label is found from another node',
      async () => (await foundNames(first!.machine, 'colour == "red"')).join() === 'n3',
    )

    const run = await first!.machine.run(
      'run',
      '--where',
      'colour == "red"',
      '--',
      'sh',
      '-c',
      'echo out of $ROOST_INDEX; echo aside >&2; exit 7',
    )
    expect(run).toMatchObject({ status: 7, stdout: 'out of 0\n' })
    expect(run.stderr).toContain('aside')
    const { jobs } = await first!.machine.json('ps', '--all')
    expect(jobs).toHaveLength(1)
    const shown = await second!.machine.json('show', jobs[0].id)
    expect(JSON.stringify(shown)).toContain(third!.id)
  })

  test('notices a machine that dies, shows its units as lost with the reason, and goes on', async () => {
    const [first, , third] = await grid(3)
    await paintRed(third!, first!)
    const file = join(first!.machine.home, 'job.yaml')
    writeFileSync(file, 'name: sleeper\nrun: sleep 600\nwhere: colour == "red"\n')
    const { id } = await first!.machine.json('submit', file)
    await until('it runs', async () => (await first!.machine.ask(`/aem/jobs/${id}`)).state === 'running')

    await third!.machine.kill(third!.daemon)
    await until('the others call it dead', async () => (await aliveNames(first!.machine)).join() === 'n1,n2')
    expect(await foundNames(first!.machine, 'true')).toEqual(['n1', 'n2'])
    await until('the job is lost', async () => (await first!.machine.ask(`/aem/jobs/${id}`)).state === 'lost')
    expect((await first!.machine.ask(`/aem/jobs/${id}`)).reason).toContain(`${third!.id} has been away since`)
    const waited = await first!.machine.run('wait', id)
    expect(waited.status).not.toBe(0)
  })

  test('a unit and its exit code outlive kill -9 of its daemon', async () => {
    const [first, second] = await grid(2)
    await paintRed(second!, first!)
    const gate = join(first!.machine.home, 'gate')
    const run = first!.machine.run(
      'run',
      '--where',
      'colour == "red"',
      '--',
      'sh',
      '-c',
      `echo begun; while [ ! -e ${gate} ]; do sleep 0.1; done; echo ended; exit 5`,
    )
    await until('it runs', async () => (await first!.machine.ask('/aem/jobs')).jobs[0]?.state === 'running')

    await second!.machine.kill(second!.daemon)
    await second!.machine.up()
    writeFileSync(gate, '')
    expect(await run).toMatchObject({ status: 5, stdout: 'begun\nended\n' })
  })

  test('a unit that ends while its daemon is down has its exit code told afterwards', async () => {
    const [first, second] = await grid(2)
    await paintRed(second!, first!)
    const gate = join(first!.machine.home, 'gate')
    const done = join(first!.machine.home, 'done')
    const run = first!.machine.run(
      'run',
      '--where',
      'colour == "red"',
      '--',
      'sh',
      '-c',
      `while [ ! -e ${gate} ]; do sleep 0.1; done; touch ${done}; exit 9`,
    )
    await until('it runs', async () => (await first!.machine.ask('/aem/jobs')).jobs[0]?.state === 'running')
    await second!.machine.kill(second!.daemon)
    writeFileSync(gate, '')
    await until('the unit ended', () => existsSync(done))
    await second!.machine.up()
    expect((await run).status).toBe(9)
  })

  test('the submitter’s daemon restarts and the job ends as if nothing had been', async () => {
    const [first, second] = await grid(2)
    await paintRed(second!, first!)
    const file = join(first!.machine.home, 'job.yaml')
    const gate = join(first!.machine.home, 'gate')
    writeFileSync(
      file,
      `name: patient\nrun: while [ ! -e ${gate} ]; do sleep 0.1; done; exit 3\nwhere: colour == "red"\n`,
    )
    const { id } = await first!.machine.json('submit', file)
    await until('it runs', async () => (await first!.machine.ask(`/aem/jobs/${id}`)).state === 'running')
    await first!.machine.kill(first!.daemon)
    await first!.machine.up()
    writeFileSync(gate, '')
    expect((await first!.machine.run('wait', id)).status).toBe(3)
  })

  test('a node comes back with no help from the node that it first joined', async () => {
    const [first, second, third] = await grid(3)
    await first!.machine.kill(first!.daemon)
    await second!.machine.kill(second!.daemon)
    await second!.machine.up()
    await until(
      'the two are one grid',
      async () =>
        (await aliveNames(second!.machine)).includes('n3') && (await aliveNames(third!.machine)).includes('n2'),
    )
    expect(await foundNames(second!.machine, 'true')).toEqual(['n2', 'n3'])
  })

  test('who leaves is gone at once, and is no member any more', async () => {
    const [first, second] = await grid(2)
    expect((await second!.machine.run('leave')).status).toBe(0)
    await until('it left', async () =>
      (await first!.machine.ask('/nodes')).nodes.every((node: any) => node.name !== 'n2' || node.state === 'left'),
    )
    const again = await second!.machine.run('status')
    expect(again.status).toBe(5)
  })
})

describe('tickets', () => {
  test('one that was used, expired, is of another grid or was mistyped says which, and changes nothing', async () => {
    const first = machine()
    await first.up()
    const { ticket } = await first.json('invite')
    const second = machine()
    await second.up('--join', ticket)

    const outsider = machine()
    const joined = async (text: string) => outsider.run('join', text)
    const used = await joined(ticket)
    expect(used).toMatchObject({ status: 4, stderr: expect.stringContaining('TICKET_USED') })

    const { ticket: brief } = await first.json('invite', '--ttl', '1s')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect(await joined(brief)).toMatchObject({ status: 4, stderr: expect.stringContaining('TICKET_EXPIRED') })

    expect(await joined(`${ticket.slice(0, -3)}abc`)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('TICKET_MALFORMED'),
    })
    expect(await outsider.run('status')).toMatchObject({ status: 5 })

    const { ticket: good } = await first.json('invite')
    expect((await joined(good)).status).toBe(0)
    expect(await joined((await first.json('invite')).ticket)).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('ALREADY_JOINED'),
    })
    await outsider.run('down')
  })
})

describe('bad circumstances are one clear line and a hint', () => {
  test('a second daemon on one data directory', async () => {
    const here = machine()
    await here.up()
    expect(await here.run('up')).toMatchObject({ status: 7, stderr: expect.stringContaining('DAEMON_RUNNING') })
  })

  test('a taken port', async () => {
    const here = machine()
    await here.up()
    const address = (await here.json('status')).addresses[0] as string
    const port = /\/tcp\/(\d+)/.exec(address)![1]!
    const other = machine({ ROOST_PORT: port })
    expect(await other.run('up')).toMatchObject({ status: 7, stderr: expect.stringContaining('PORT_TAKEN') })
  })

  test('a data directory that cannot be made', async () => {
    const here = machine()
    writeFileSync(join(here.home, 'file'), '')
    expect(await here.run('up', '--data', join(here.home, 'file', 'data'))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('DIRECTORY_UNWRITABLE'),
    })
  })
})
