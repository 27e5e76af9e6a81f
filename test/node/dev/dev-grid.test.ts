import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeProcess } from '../../../node/client/index.ts'
import type { DevGrid } from '../../../node/dev/index.ts'
import { roost } from '../cli/command.ts'

let home: string
let dir: string
let env: Record<string, string>

const run = (args: readonly string[], more: Record<string, string> = {}) => roost(args, { env: { ...env, ...more } })
const grid = (): DevGrid => JSON.parse(readFileSync(join(dir, 'grid.json'), 'utf8')) as DevGrid

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'roost-dev-test-'))
  dir = join(home, 'dev')
  env = { HOME: home, TMPDIR: home, ROOST_CONFIG_DIR: join(home, 'config'), ROOST_DEV_DIR: dir }
  const started = await run(['dev', 'up', '-n', '3', '--json'])
  expect(started).toMatchObject({ status: 0, stderr: '' })
})

afterAll(async () => {
  if (existsSync(dir)) await run(['dev', 'down'])
  rmSync(home, { recursive: true, force: true })
})

async function states(): Promise<Record<string, string>> {
  const { stdout } = await run(['nodes', '--json'])
  const { nodes } = JSON.parse(stdout) as { nodes: { name: string; state: string }[] }
  return Object.fromEntries(nodes.map((node) => [node.name, node.state]))
}

/** Membership needs its time; the bound is generous, since the machine may be busy. */
async function statesBecome(wanted: Record<string, string>): Promise<void> {
  await expect.poll(states, { timeout: 45_000, interval: 250 }).toEqual(wanted)
}

describe('a dev grid', () => {
  test('is daemons that know each other, each with a key and a directory of its own', async () => {
    await statesBecome({ 'dev-1': 'alive', 'dev-2': 'alive', 'dev-3': 'alive' })
    const { daemons } = grid()
    expect(new Set(daemons.map((daemon) => daemon.id)).size).toBe(3)
    expect(new Set(daemons.map((daemon) => daemon.process.pid)).size).toBe(3)
    for (const { address } of daemons) expect(address).toMatch(/^\/ip4\/127\.0\.0\.1\//)
  })

  test('has a user of its own, and nobody else can look into it', () => {
    expect(existsSync(join(dir, 'user', 'user.key'))).toBe(true)
    expect(existsSync(join(home, 'config', 'user.key'))).toBe(false)
    expect(statSync(dir).mode & 0o077).toBe(0)
  })

  test('is what the other commands talk to', async () => {
    expect((await run(['status'])).stdout).toContain('dev-1')
    const found = JSON.parse((await run(['find', 'Cores >= 1', '--json'])).stdout) as { nodes: unknown[] }
    expect(found.nodes).toHaveLength(3)
    expect((await run(['doctor'])).status).toBe(0)
  })

  test('is found in its usual place too, which is then said', async () => {
    const uid = process.getuid!()
    const result = await run(['status'], { ROOST_DEV_DIR: '', TMPDIR: home })
    expect(result.status).toBe(5)
    mkdirSync(join(home, `roost-dev-${uid}`), { mode: 0o700 })
    writeFileSync(join(home, `roost-dev-${uid}`, 'grid.json'), JSON.stringify(grid()))
    const found = await run(['status'], { ROOST_DEV_DIR: '', TMPDIR: home })
    expect(found.stdout).toContain('dev-1')
    expect(found.stderr).toContain('dev grid')
    // But what ends a daemon does not take it for the user's own.
    expect((await run(['down'], { ROOST_DEV_DIR: '', TMPDIR: home })).stderr).toContain('roost dev down')
  })

  test('is not started twice', async () => {
    expect(await run(['dev', 'up'])).toMatchObject({ status: 7, stderr: expect.stringContaining('roost dev down') })
  })

  test('its labels can be set, searched for at once, and removed', async () => {
    expect((await run(['node', 'label', 'rack=7', 'Site=lyon'])).status).toBe(0)
    expect(JSON.parse((await run(['find', 'rack == 7', '--json'])).stdout)).toMatchObject({
      nodes: [{ name: 'dev-1' }],
    })
    expect((await run(['node', 'label', '-rack'])).status).toBe(0)
    expect(JSON.parse((await run(['find', 'rack == 7', '--json'])).stdout)).toMatchObject({ nodes: [] })
    expect((await run(['node', 'label', 'a b=1'])).stderr).toContain('ATTRIBUTE_INVALID')
  })

  test('a daemon that is killed is seen to be dead, and is back when it is started again', async () => {
    const { process: killed } = grid().daemons[2]!
    expect((await run(['dev', 'kill', '3'])).status).toBe(0)
    expect(describeProcess(killed.pid)?.started).not.toBe(killed.started)
    expect(await run(['dev', 'kill', '3'])).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('dev restart 3'),
    })
    await statesBecome({ 'dev-1': 'alive', 'dev-2': 'alive', 'dev-3': 'dead' })
    const id = grid().daemons[2]!.id
    expect((await run(['dev', 'restart', '3'])).status).toBe(0)
    expect(grid().daemons[2]!.id).toBe(id)
    await statesBecome({ 'dev-1': 'alive', 'dev-2': 'alive', 'dev-3': 'alive' })
  })

  test('a daemon that it does not have', async () => {
    expect(await run(['dev', 'kill', '9'])).toMatchObject({ status: 3, stderr: expect.stringContaining('1, 2, 3') })
    expect(await run(['dev', 'kill', 'x'])).toMatchObject({ status: 2 })
  })
})

describe("a daemon of one's own", () => {
  const own = { ROOST_DEV_DIR: '', ROOST_LISTEN: '127.0.0.1', ROOST_SOFTWARE: 'sh' }
  const data = (): string => join(home, 'own')

  test('joins with a ticket and leaves again; the ticket is good once', async () => {
    const ticket = (await run(['invite'])).stdout.trim()
    const joined = await run(['join', ticket, '--data', data(), '--name', 'own', '--port', '0', '--json'], own)
    expect(joined).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(joined.stdout)).toMatchObject({ name: 'own', grid: { name: 'dev' } })
    expect(await run(['join', ticket, '--data', data()], own)).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('roost leave'),
    })
    expect(await run(['join', ticket, '--data', join(home, 'third'), '--port', '0'], own)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('TICKET_USED'),
    })
    expect((await run(['leave', '--data', data()], own)).status).toBe(0)
    expect((await run(['status', '--data', data()], own)).status).toBe(5)
  })

  test('a second one on the same directory, and a taken port, are one clear line each', async () => {
    expect((await run(['up', '--detach', '--data', data(), '--port', '0', '--grid', 'mine'], own)).status).toBe(0)
    expect(await run(['up', '--detach', '--data', data(), '--port', '0'], own)).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('DAEMON_RUNNING'),
    })
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const port = String((taken.address() as AddressInfo).port)
    const refused = await run(['up', '--detach', '--data', join(home, 'other'), '--port', port], own)
    taken.close()
    expect(refused).toMatchObject({ status: 7, stderr: expect.stringContaining('PORT_TAKEN') })
    expect((await run(['down', '--data', data()], own)).status).toBe(0)
  })
})

test('down ends every daemon and removes what the grid left, and nothing else', async () => {
  const pids = grid().daemons.map((daemon) => daemon.process)
  writeFileSync(join(dir, 'mine.txt'), 'mine')
  expect((await run(['dev', 'down'])).status).toBe(0)
  for (const { pid, started } of pids) expect(describeProcess(pid)?.started).not.toBe(started)
  expect(readFileSync(join(dir, 'mine.txt'), 'utf8')).toBe('mine')
  expect(existsSync(join(dir, '1'))).toBe(false)
  expect(await run(['dev', 'down'])).toMatchObject({ status: 5, stderr: expect.stringContaining('roost dev up') })
  expect(await run(['dev', 'up'])).toMatchObject({ status: 7, stderr: expect.stringContaining('not empty') })
})
