import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GroupState } from '../../../overlay/contract/index.ts'
import { Machine, until } from '../../support/machine.ts'
import type { Member } from '../../support/machines.ts'
import { addNotes } from '../../support/notes-grid.ts'
import { NO_MOUNT, SmallDisk } from '../../support/small-disk.ts'

/** Replica groups between real daemons, one of which has a disk that fills up, and one whose disk is damaged. */

const DISK_KIB = 24_576
const LARGE = 'x'.repeat(4_000)

const machines: Machine[] = []
const grid: Member[] = []
let disk: SmallDisk | undefined
beforeAll(async () => {
  disk = SmallDisk.mount(DISK_KIB)
  for (const name of ['n1', 'n2', 'n3']) {
    const onDisk = name === 'n3' && disk ? { ROOST_DATA: join(disk.path, 'data') } : {}
    const machine = new Machine({ ROOST_NAME: name, ...onDisk })
    machines.push(machine)
    addNotes(machine)
    const ticket = grid[0] && (await grid[0].machine.json('invite')).ticket
    const daemon = await machine.up(...(ticket === undefined ? [] : ['--join', ticket]))
    const { id, addresses } = await machine.ask('/status')
    machine.env['ROOST_PORT'] = /\/tcp\/(\d+)/.exec(addresses[0])![1]
    grid.push({ machine, daemon, id })
  }
  for (const { machine } of grid)
    await until('all know all', async () => (await machine.ask('/status')).nodes.alive === grid.length)
}, 180_000)
afterAll(async () => {
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual(machines.map(() => 0))
  await Promise.all(machines.map((machine) => machine.end()))
  disk?.unmount()
})

async function create(name: string, members: readonly Member[]): Promise<void> {
  const [first] = members as [Member]
  await first.machine.ask('/notes/create', { name, members: members.map(({ id }) => id) })
  await until('all vote', async () => (await stateAt(first, name))?.configuration.voters.length === members.length)
}

function put({ machine }: Member, name: string, key: string, timeoutMs = 20_000): Promise<any> {
  return machine.ask('/notes/execute', { name, command: { type: 'put', key, text: LARGE }, timeoutMs })
}

async function stateAt({ machine }: Member, name: string): Promise<GroupState | undefined> {
  const { groups } = (await machine.ask('/notes/list', {})) as { groups: readonly GroupState[] }
  return groups.find((group) => group.name === name)
}

/** It has all that the others have, as the same member that it was. */
async function hasAll(member: Member, name: string, incarnation: number): Promise<void> {
  await until('it has all', async () => {
    const [own, others] = [await stateAt(member, name), await stateAt(grid[0]!, name)]
    return own !== undefined && others !== undefined && own.appliedIndex >= others.appliedIndex
  })
  expect(incarnationOf(await stateAt(grid[0]!, name), member)).toBe(incarnation)
}

function incarnationOf(state: GroupState | undefined, { id }: Member): number {
  return state!.configuration.voters.find(({ peer }) => peer === id)!.incarnation
}

describe('a member whose disk is full', () => {
  test('says so and falls behind, the group goes on, and it has all of it once there is space', async (context) => {
    if (disk === undefined) return context.skip(NO_MOUNT)
    const [first, , full] = grid as [Member, Member, Member]
    await create('fills', grid)
    const incarnation = incarnationOf(await stateAt(first, 'fills'), full)
    let said = ''
    full.daemon.stderr!.on('data', (text: string) => (said += text))
    disk.fill()
    for (let count = 0; count < 20; count++) expect(await put(first, 'fills', `key ${count}`)).toEqual({ text: LARGE })
    await until('it says so', async () => said.includes('the disk of a replica failed') && said.includes('DISK_FULL'))
    disk.free()
    await hasAll(full, 'fills', incarnation)
  }, 120_000)

  test('is not started, and comes back as who it was, with what it had', async (context) => {
    if (disk === undefined) return context.skip(NO_MOUNT)
    const [first, , full] = grid as [Member, Member, Member]
    await create('starts', grid)
    await put(first, 'starts', 'before')
    const incarnation = incarnationOf(await stateAt(first, 'starts'), full)
    await full.machine.kill(full.daemon)
    disk.fill()
    const { status, stderr } = await full.machine.run('up')
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('DISK_FULL') })
    expect(await put(first, 'starts', 'meanwhile')).toEqual({ text: LARGE })
    disk.free()
    full.daemon = await full.machine.up()
    await hasAll(full, 'starts', incarnation)
  }, 120_000)
})

test('a group that only one node had is gone with its log, and nothing is answered in its place', async () => {
  const [, alone] = grid as [Member, Member]
  await create('alone', [alone])
  await put(alone, 'alone', 'key')
  await alone.machine.kill(alone.daemon)
  const folder = join(alone.machine.dataDir, 'groups')
  for (const name of readdirSync(folder).filter((file) => /\.(log|ldb)$/.test(file))) {
    const bytes = readFileSync(join(folder, name))
    writeFileSync(join(folder, name), bytes.fill(0x55, Math.floor(bytes.length / 4), Math.floor(bytes.length / 2)))
  }
  alone.daemon = await alone.machine.up()
  for (const asking of [alone, grid[0]!])
    expect(await asking.machine.ask('/notes/read', { name: 'alone', key: 'key', timeoutMs: 3_000 })).toMatchObject({
      code: 'GROUP_UNREACHABLE',
    })
  expect(await stateAt(alone, 'alone')).toBeUndefined()
}, 120_000)
