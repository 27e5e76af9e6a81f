import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JobSocket } from '../../../overlay/contract/index.ts'
import { findIsolation, type Isolator } from '../../../aem/execution/isolation/index.ts'
import type { UnitExit, UnitOrder } from '../../../aem/protocol/index.ts'
import { orderFor, run, startLauncher, temporaryDirectory, type Started } from './fixture.ts'
import { cgroupsV1, cgroupsV2, subreaper } from './means.ts'
import { stateOf, until } from './processes.ts'

const isolators: { readonly name: string; readonly isolator: Isolator }[] = []
for (const name of ['bubblewrap', 'unshare'] as const) {
  const place = mkdtempSync(join(tmpdir(), 'roost-isolation-'))
  const { isolator } = await findIsolation(place, name)
  rmSync(place, { recursive: true })
  if (isolator) isolators.push({ name, isolator })
  else console.warn(`${name} cannot be had here: its tests are skipped`)
}

const text = (started: Started, unitId: string, stream: 'stdout' | 'stderr' = 'stdout'): string =>
  readFileSync(started.launcher.directoryOf(unitId).stream(stream), 'utf8')

describe.each(isolators)('isolated by $name, a unit', ({ isolator }) => {
  const means = { isolator, ...((cgroupsV1 ?? cgroupsV2) && { cgroups: cgroupsV1 ?? cgroupsV2 }) }
  const isolated = (command: UnitOrder['run'], changes: Partial<UnitOrder> = {}): UnitOrder =>
    orderFor(command, { isolate: { network: false }, ...changes })
  const see = async (
    command: UnitOrder['run'],
    changes: Partial<UnitOrder> = {},
  ): Promise<{ exit: UnitExit; said: string }> => {
    const started = startLauncher({ means })
    const order = isolated(command, changes)
    const exit = await run(started, order)
    return { exit, said: text(started, order.unitId) }
  }

  test.each([
    ['exit 7', { kind: 'exited', code: 7 }],
    ['kill -9 $$', { kind: 'signalled', signal: 'KILL' }],
    ['kill -TERM $$; sleep 5', { kind: 'signalled', signal: 'TERM' }],
    ['no-such-program', { kind: 'exited', code: 127 }],
  ] as const)('ends as its command did: %s', async (command, exit) => {
    expect((await see(command)).exit).toEqual(exit)
  })

  test('finds its sandbox writable, at the path that it is told, with what is in it', async () => {
    const started = startLauncher({
      means,
      fetchInput: async () => new Blob(['hello']).stream(),
    })
    const sha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
    const order = isolated('pwd; cat ../in/words; echo made >"$ROOST_SANDBOX/made"; cat "$HOME/made" >../copy', {
      inputs: [{ name: 'in/words', bytes: 5, sha256 }],
      workdir: 'there',
    })
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    const { work } = started.launcher.directoryOf(order.unitId)
    expect(text(started, order.unitId)).toBe(`${work}/there\nhello`)
    expect(readFileSync(join(work, 'copy'), 'utf8')).toBe('made\n')
  })

  test('can write to nothing else', async () => {
    const tries = ['/x', '/etc/x', '/usr/x', '/usr/bin/x', '/opt/x', '/dev/x', '/proc/sys/kernel/hostname', '/sys/x']
    const { said } = await see(tries.map((path) => `(echo x >${path}) 2>/dev/null && echo wrote ${path}`).join('; '))
    expect(said).toBe('')
    expect(tries.slice(0, 5).some((path) => existsSync(path))).toBe(false)
  })

  test('has a /tmp and a /dev/shm of its own', async () => {
    const ours = join(temporaryDirectory(), 'ours')
    writeFileSync(ours, '')
    const { exit, said } = await see(
      `ls ${ours} 2>/dev/null; echo "$TMPDIR"; echo x >/tmp/y && echo x >/dev/shm/y && ls /tmp/y /dev/shm/y`,
    )
    expect(exit).toEqual({ kind: 'exited', code: 0 })
    expect(said).toBe('/tmp\n/dev/shm/y\n/tmp/y\n')
    expect(existsSync('/tmp/y')).toBe(false)
  })

  test("sees no homes, no data of the daemon, and nothing of other units'", async () => {
    const started = startLauncher({ means })
    const other = orderFor('echo secret >secret')
    await run(started, other)
    const { work } = started.launcher.directoryOf(other.unitId)
    const order = isolated(
      `ls ${work}/secret ${work} ${join(started.root, other.unitId)}* /root /home ${process.cwd()}/package.json; ls ${started.root}; ls ..`,
    )
    await run(started, order)
    const own = started.launcher.directoryOf(order.unitId).path.split('/').at(-1)!
    expect(text(started, order.unitId)).toBe(`${own}\nwork\n`)
  })

  test('sees only its own processes, and may signal no other', async () => {
    const { said } = await see(`ls -d /proc/[0-9]* | wc -l; kill -0 ${process.pid} 2>/dev/null && echo reached`)
    expect(Number(said)).toBeLessThan(10)
  })

  test('reaches no network, not even that of its own machine', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const command = `bash -c 'echo >/dev/tcp/127.0.0.1/${port}' 2>/dev/null && echo reached; cat /proc/net/dev | wc -l`
    // Two lines of heading and the loopback.
    expect((await see(command)).said.trim()).toBe('3')
    expect((await see(command, { isolate: { network: true } })).said).toMatch(/^reached\n/)
  })

  test('has no privileges and can get none', async () => {
    const { said } = await see(
      'grep -E "^(CapEff|CapPrm|NoNewPrivs)" /proc/self/status; mount -t tmpfs x /tmp 2>&1 && echo mounted',
    )
    expect(said).toMatch(/CapPrm:\t0{16}\nCapEff:\t0{16}\nNoNewPrivs:\t1\n/)
    expect(said).not.toContain('mounted\n')
  })

  test('hears signals, and may do what it wants about them', async () => {
    const started = startLauncher({ means })
    const order = isolated(
      'trap "echo heard; exit 3" TERM; trap "echo user" USR1; echo ready; while :; do sleep 0.02; done',
    )
    await started.launcher.start(order)
    await until(() => text(started, order.unitId).includes('ready'))
    await started.launcher.signal(order.unitId, 'USR1')
    await until(() => text(started, order.unitId).includes('user'))
    await started.launcher.signal(order.unitId, 'TERM')
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'exited', code: 3 })
    expect(text(started, order.unitId)).toBe('ready\nuser\nheard\n')
  })

  test('ends at its time limit, by TERM first', async () => {
    const started = startLauncher({ means })
    const order = isolated('trap "echo heard; exit" TERM; while :; do sleep 0.02; done', { limits: { timeMs: 700 } })
    expect(await run(started, order)).toEqual({ kind: 'timeout' })
    expect(text(started, order.unitId)).toBe('heard\n')
  })

  test('leaves nothing running', async () => {
    const started = startLauncher({ means: { isolator } })
    const mark = `3${Math.floor(Math.random() * 1e8)}`
    const order = isolated(`setsid env -i sleep ${mark} & sleep 0.1`)
    await run(started, order)
    expect(pidsOf(mark)).toEqual([])
  })

  test('speaks to the daemon through its socket, also after the daemon came back', async () => {
    const root = join(temporaryDirectory(), 'units')
    mkdirSync(root)
    const servers: { end(): void }[] = []
    const serveJob = async (path: string): Promise<JobSocket> => {
      const answer = `answer ${servers.length + 1}\n`
      const server = createServer((socket) => socket.end(answer))
      await rm(path, { force: true })
      await once(server.listen(path), 'listening')
      servers.push({ end: () => void server.close() })
      return { end: async () => void server.close() }
    }
    const ask = `perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new(Peer => $ENV{ROOST_SOCKET})->getline'`
    const first = startLauncher({ means, root, serveJob })
    const order = isolated(`${ask}; while [ ! -e gate ]; do sleep 0.02; done; ${ask}`)
    await first.launcher.start(order)
    await until(() => text(first, order.unitId) === 'answer 1\n')
    first.launcher.close()
    servers[0]!.end()
    const second = startLauncher({ means, root, serveJob })
    await second.launcher.recover()
    writeFileSync(join(second.launcher.directoryOf(order.unitId).work, 'gate'), '')
    expect(await second.exitOf(order.unitId)).toEqual({ kind: 'exited', code: 0 })
    expect(text(second, order.unitId)).toBe('answer 1\nanswer 2\n')
  })

  test('has its environment as it was given, whatever it holds', async () => {
    const env = {
      PLAIN: 'a b',
      IFS: 'x',
      COUNT: '1',
      QUOTED: `it's "$HOME" \`id\` \\`,
      LINES: 'one\ntwo\n',
      UID: '7',
      PATH: '/usr/bin:/bin:/nowhere',
      EMPTY: '',
    }
    const { exit, said } = await see(['/usr/bin/env', '-0'], { env })
    expect(exit).toEqual({ kind: 'exited', code: 0 })
    const found = new Map(said.split('\0').map((entry) => entry.split(/=(.*)/s) as [string, string]))
    for (const [name, value] of Object.entries(env)) expect(`${name}=${found.get(name)}`).toBe(`${name}=${value}`)
    expect(found.get('ROOST_COUNT')).toBe('1')
    expect([...found.keys()].filter((name) => name.startsWith('ROOST_PASSED'))).toEqual([])
  })

  test('gets none of its environment to mean anything to what isolates it', async () => {
    const directory = temporaryDirectory()
    // A program of the job's, first on its PATH, of each name that is used on the way; and options of Perl.
    const names = ['mount', 'mkdir', 'ln', 'ip', 'umount', 'pivot_root', 'setsid', 'sleep', 'rmdir', 'env', 'sh']
    for (const name of names)
      writeFileSync(join(directory, name), `#!/bin/sh\necho ${name} >>${directory}/reached\n`, { mode: 0o755 })
    chmodSync(directory, 0o777)
    writeFileSync(join(directory, 'Evil.pm'), `system("echo perl >>${directory}/reached"); 1;\n`)
    const env = { PATH: `${directory}:/usr/bin:/bin`, PERL5LIB: directory, PERL5OPT: '-MEvil', LD_PRELOAD: './none.so' }
    const started = startLauncher({ means: { isolator, ...(subreaper && { subreaper }) } })
    const order = isolated(['/bin/echo', 'done'], { env, limits: { timeMs: 60_000 } })
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    expect(text(started, order.unitId)).toBe('done\n')
    expect(existsSync(join(directory, 'reached'))).toBe(false)
    // The loader complains of what it cannot load: once, in the process that becomes the command.
    expect(text(started, order.unitId, 'stderr').match(/none\.so/g)).toHaveLength(1)
  })

  test('can be suspended and resumed', async () => {
    const started = startLauncher({ means: { isolator } })
    const order = isolated('while :; do echo x; sleep 0.02; done')
    await started.launcher.start(order)
    await until(() => text(started, order.unitId) !== '')
    await started.launcher.suspend(order.unitId)
    const before = text(started, order.unitId)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(text(started, order.unitId)).toBe(before)
    await started.launcher.resume(order.unitId)
    await until(() => text(started, order.unitId).length > before.length)
    await started.launcher.signal(order.unitId, 'KILL')
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'signalled', signal: 'KILL' })
  })
})

test('a node without isolation refuses such a unit with a sentence, and does not offer it', async () => {
  const started = startLauncher({ means: { isolationLacks: 'neither this nor that is here' } })
  const order = orderFor('true', { isolate: { network: false } })
  await expect(started.launcher.start(order)).rejects.toMatchObject({
    code: 'UNIT_FAILED',
    message: 'this node cannot isolate units: neither this nor that is here',
  })
  expect(started.launcher.attributes()).toEqual({})
})

test('a node with isolation offers it', () => {
  const [first] = isolators
  if (first) expect(startLauncher({ means: first }).launcher.attributes()).toEqual({ Isolation: true })
})

test('units that would see the data directory among the system are not isolated', async () => {
  if (process.platform !== 'linux') return
  const { isolator, lacks } = await findIsolation(realpathSync('/usr/bin'))
  expect(isolator).toBeUndefined()
  expect(lacks).toContain('/usr')
})

function pidsOf(mark: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`sleep\0${mark}`) && stateOf(pid) !== undefined
      } catch {
        return false
      }
    })
}
