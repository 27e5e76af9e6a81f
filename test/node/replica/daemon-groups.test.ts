import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GroupState } from '../../../overlay/contract/index.ts'
import { Machine, until } from '../../support/machine.ts'
import type { Member } from '../../support/machines.ts'
import { notesGridOf } from '../../support/notes-grid.ts'

/** Replica groups between real daemons, killed and started again. */

const machines: Machine[] = []
let grid: Member[]
beforeAll(async () => {
  grid = await notesGridOf(3, machines)
}, 120_000)
afterAll(async () => {
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual(machines.map(() => 0))
  await Promise.all(machines.map((machine) => machine.end()))
})

async function create(at: Member, name: string, members: readonly Member[] = grid): Promise<string> {
  const { id } = await at.machine.ask('/notes/create', { name, members: members.map((member) => member.id) })
  await until('all are voters', async () => (await stateAt(at, name))?.configuration.voters.length === members.length)
  return id
}

function append(at: Member, name: string, text: string): Promise<any> {
  return at.machine.ask('/notes/execute', { name, command: { type: 'append', key: 'k', text }, timeoutMs: 20_000 })
}

function read(at: Member, name: string): Promise<any> {
  return at.machine.ask('/notes/read', { name, key: 'k', timeoutMs: 20_000 })
}

async function stateAt(member: Member, name: string): Promise<GroupState | undefined> {
  const { groups } = (await member.machine.ask('/notes/list', {})) as { groups: readonly GroupState[] }
  return groups.find((group) => group.name === name)
}

async function leaderOf(name: string): Promise<Member> {
  let leader: Member | undefined
  await until('somebody leads', async () => {
    for (const member of grid)
      if ((await stateAt(member, name).catch(() => undefined))?.role === 'leader') leader = member
    return leader !== undefined
  })
  return leader!
}

async function restart(member: Member): Promise<void> {
  member.daemon = await member.machine.up()
}

describe('a group of three daemons', () => {
  test('is made by one, joined by those it names, and asked by its name from anywhere', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    const id = await create(first, 'open')
    expect(id).toMatch(/^notes\.open\.[0-9a-f]{12}$/)
    expect(await append(first, 'open', 'a')).toEqual({ text: 'a' })
    expect(await append(second, 'open', 'b')).toEqual({ text: 'ab' })
    expect(await read(third, 'open')).toEqual({ text: 'ab' })
    const { applications } = await second.machine.json('app', 'find', 'Name == "notes.open"')
    expect(applications).toMatchObject([{ publisher: first.id, attributes: { GroupId: id } }])
    expect(await second.machine.ask('/notes/create', { name: 'open', members: [] })).toMatchObject({ code: 'CONFLICT' })
  })

  test('is asked by a node that is no member, which may not change who is', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    await create(first, 'few', [first, second])
    expect(await append(third, 'few', 'x')).toEqual({ text: 'x' })
    const add = { name: 'few', action: 'add', peer: third.id }
    expect(await third.machine.ask('/notes/change', add)).toMatchObject({ code: 'DENIED' })
    expect(await second.machine.ask('/notes/change', add)).toEqual({})
    expect(await second.machine.ask('/notes/change', { ...add, action: 'remove' })).toEqual({})
    await until('it has closed it', async () => (await stateAt(third, 'few')) === undefined)
    expect(await read(third, 'few')).toEqual({ text: 'x' })
  })

  test('that is not there is said to be so, and certainly nothing happened', async () => {
    const asked = { name: 'nowhere', command: { type: 'put', key: 'k', text: '' }, timeoutMs: 500 }
    expect(await grid[0]!.machine.ask('/notes/execute', asked)).toMatchObject({
      code: 'GROUP_UNREACHABLE',
      certain: true,
    })
  })

  test('goes on when its leader is killed, and the one that comes back has all of it', async () => {
    await create(grid[1]!, 'killed')
    const leader = await leaderOf('killed')
    const asking = grid.find((member) => member !== leader)!
    await append(asking, 'killed', '1')
    const killedMs = performance.now()
    await leader.machine.kill(leader.daemon)
    expect(await append(asking, 'killed', '2')).toEqual({ text: '12' })
    expect(performance.now() - killedMs).toBeLessThan(10_000)
    await restart(leader)
    await until('it follows', async () => (await stateAt(leader, 'killed'))?.leader !== undefined)
    expect(await append(leader, 'killed', '3')).toEqual({ text: '123' })
  }, 60_000)

  test('that was killed whole comes back with all that was acknowledged', async () => {
    await create(grid[0]!, 'whole')
    for (const text of ['a', 'b', 'c']) await append(grid[0]!, 'whole', text)
    await Promise.all(grid.map(({ machine, daemon }) => machine.kill(daemon)))
    await Promise.all(grid.map(restart))
    expect(await read(grid[1]!, 'whole')).toEqual({ text: 'abc' })
    expect(await append(grid[2]!, 'whole', 'd')).toEqual({ text: 'abcd' })
  }, 90_000)

  test('takes a member whose disk has lost its log back as an empty one', async () => {
    await create(grid[0]!, 'lost')
    await append(grid[0]!, 'lost', 'a')
    const leader = await leaderOf('lost')
    const victim = grid.find((member) => member !== leader)!
    const before = (await stateAt(leader, 'lost'))!.configuration.voters
    await victim.machine.kill(victim.daemon)
    const folder = join(victim.machine.dataDir, 'groups')
    for (const name of readdirSync(folder).filter((file) => /\.(log|ldb)$/.test(file))) {
      const bytes = readFileSync(join(folder, name))
      writeFileSync(join(folder, name), bytes.fill(0x55, Math.floor(bytes.length / 4), Math.floor(bytes.length / 2)))
    }
    await restart(victim)
    await until('it is a voter again, and somebody else', async () => {
      const seatOf = (voters: typeof before) => voters.find(({ peer }) => peer === victim.id)
      const seat = seatOf((await stateAt(leader, 'lost'))?.configuration.voters ?? [])
      return seat !== undefined && seat.incarnation !== seatOf(before)!.incarnation
    })
    expect(readdirSync(victim.machine.dataDir).some((name) => name.startsWith('groups.damaged'))).toBe(true)
    expect(await append(victim, 'lost', 'b')).toEqual({ text: 'ab' })
  }, 60_000)

  test('is handed on by a daemon that is told to end', async () => {
    await create(grid[0]!, 'handed')
    const leader = await leaderOf('handed')
    await leader.machine.kill(leader.daemon, 'SIGTERM')
    const next = await leaderOf('handed')
    expect(next).not.toBe(leader)
    expect(await append(next, 'handed', 'a')).toEqual({ text: 'a' })
    await restart(leader)
  }, 60_000)
})
