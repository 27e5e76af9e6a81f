import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readMark } from '../../../aem/execution/process.ts'
import type { InputFile } from '../../../aem/protocol/index.ts'
import { orderFor, run, startLauncher, temporaryDirectory, type Started } from './fixture.ts'

const text = (started: Started, unitId: string, stream: 'stdout' | 'stderr'): string =>
  readFileSync(started.launcher.directoryOf(unitId).stream(stream), 'utf8')

const isGone = (pid: number): boolean => {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('a unit ends as its command did', () => {
  test.each([
    ['a list with exit status 0', ['true'], { kind: 'exited', code: 0 }],
    ['a shell text with its own status', 'exit 7', { kind: 'exited', code: 7 }],
    ['a status that no signal has', 'exit 255', { kind: 'exited', code: 255 }],
    ['a death by signal', 'kill -9 $$', { kind: 'signalled', signal: 'KILL' }],
    [
      'an interrupt, which shells let background jobs ignore',
      'kill -INT $$; sleep 5',
      { kind: 'signalled', signal: 'INT' },
    ],
    ['a program that is not there', ['no-such-program'], { kind: 'exited', code: 127 }],
    ['a program whose name begins with a hyphen', ['-c'], { kind: 'exited', code: 127 }],
  ] as const)('%s', async (_name, command, exit) => {
    expect(await run(startLauncher(), orderFor(command))).toEqual(exit)
  })
})

describe('a unit finds', () => {
  test('a sandbox of its own, where it starts, that nobody else may read', async () => {
    const started = startLauncher()
    const order = orderFor('pwd; echo "$ROOST_SANDBOX"; touch made-here')
    await run(started, order)
    const { work } = started.launcher.directoryOf(order.unitId)
    expect(text(started, order.unitId, 'stdout')).toBe(`${work}\n${work}\n`)
    expect(readdirSync(work)).toEqual(['made-here'])
    expect(statSync(work).mode & 0o777).toBe(0o700)
  })

  test('its arguments as they were given', async () => {
    const started = startLauncher()
    const order = orderFor(['printf', '%s|', 'a b', '$HOME', "it's", '', '*'])
    await run(started, order)
    expect(text(started, order.unitId, 'stdout')).toBe("a b|$HOME|it's||*|")
  })

  test('a clean environment: its own variables, what roost says, nothing of the daemon', async () => {
    process.env['ROOST_TEST_SECRET'] = 'of the daemon'
    onTestFinished(() => void delete process.env['ROOST_TEST_SECRET'])
    const started = startLauncher()
    const order = orderFor(['/usr/bin/env'], { env: { COLOUR: 'green', PATH: '/nowhere' }, index: 2, count: 5 })
    await run(started, order)
    const env = new Map(
      text(started, order.unitId, 'stdout')
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s) as [string, string]),
    )
    expect(env.get('COLOUR')).toBe('green')
    expect(env.get('PATH')).toBe('/nowhere')
    expect(env.get('ROOST_INDEX')).toBe('2')
    expect(env.get('ROOST_COUNT')).toBe('5')
    expect(env.get('ROOST_UNIT')).toBe(order.unitId)
    expect(env.has('ROOST_TEST_SECRET')).toBe(false)
  })

  test('a session and a process group that it leads', async () => {
    const started = startLauncher()
    const order = orderFor('read -r stat </proc/$$/stat; set -- ${stat##*) }; echo $$ $3 $4')
    await run(started, order)
    const [pid, group, session] = text(started, order.unitId, 'stdout').trim().split(' ')
    expect([group, session]).toEqual([pid, pid])
  })

  test('the directory that it asked to start in', async () => {
    const started = startLauncher()
    const order = orderFor('pwd', { workdir: 'deep/down' })
    await run(started, order)
    expect(text(started, order.unitId, 'stdout')).toMatch(/work\/deep\/down\n$/)
  })
})

describe('limits', () => {
  test('the time limit ends it, and is told apart from a signal', async () => {
    expect(await run(startLauncher(), orderFor('sleep 30', { limits: { timeMs: 100 } }))).toEqual({ kind: 'timeout' })
  })

  test('the time limit ends one that ignores TERM', async () => {
    const order = orderFor("trap '' TERM; while :; do sleep 1; done", { limits: { timeMs: 100 } })
    expect(await run(startLauncher(), order)).toEqual({ kind: 'timeout' })
  })

  test('a unit that ends in time leaves nobody waiting for its limit', async () => {
    const started = startLauncher()
    const order = orderFor('true', { limits: { timeMs: 3_600_123 } })
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    await until(() => !execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' }).includes('sleep 3600.123'))
  })

  test('more memory than its limit is refused to it', async () => {
    const order = orderFor('head -c 200000000 /dev/zero | tail -c 150000000 >/dev/null', {
      limits: { memoryBytes: 50_000_000 },
    })
    expect(await run(startLauncher(), order)).not.toEqual({ kind: 'exited', code: 0 })
    expect(await run(startLauncher(), { ...orderFor(order.run) })).toEqual({ kind: 'exited', code: 0 })
  })

  test('output beyond its bound stops the unit and says so', async () => {
    const started = startLauncher()
    const order = orderFor('yes')
    expect(await run(started, order)).toEqual({ kind: 'signalled', signal: 'XFSZ' })
    expect(text(started, order.unitId, 'stderr')).toContain('roost: stdout is beyond 1048576 bytes')
  })
})

describe('signals', () => {
  test('reach the whole process group', async () => {
    const started = startLauncher()
    const order = orderFor('sleep 60 & echo $!; wait')
    await started.launcher.start(order)
    await until(() => text(started, order.unitId, 'stdout').includes('\n'))
    await started.launcher.signal(order.unitId, 'TERM')
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'signalled', signal: 'TERM' })
    await until(() => isGone(Number(text(started, order.unitId, 'stdout'))))
  })

  test('KILL ends one that ignores TERM', async () => {
    const started = startLauncher()
    const order = orderFor("trap '' TERM; echo ready; while :; do sleep 1; done")
    await started.launcher.start(order)
    await until(() => text(started, order.unitId, 'stdout').includes('ready'))
    await started.launcher.signal(order.unitId, 'TERM')
    await started.launcher.signal(order.unitId, 'KILL')
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'signalled', signal: 'KILL' })
  })

  test('one sent right after the start is not lost', async () => {
    const started = startLauncher()
    const order = orderFor('sleep 60')
    await started.launcher.start(order)
    await started.launcher.signal(order.unitId, 'KILL')
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'signalled', signal: 'KILL' })
  })

  test('to an ended or unknown unit are no error', async () => {
    const started = startLauncher()
    const order = orderFor('true')
    await run(started, order)
    await started.launcher.signal(order.unitId, 'TERM')
    await started.launcher.signal(orderFor('true').unitId, 'TERM')
  })

  test('what a unit left running in its group ends with it', async () => {
    const started = startLauncher()
    const order = orderFor('sleep 60 & echo $!')
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    await until(() => isGone(Number(text(started, order.unitId, 'stdout'))))
  })
})

describe('a start', () => {
  test('again for the same unit does nothing, also after it ended', async () => {
    const started = startLauncher()
    const order = orderFor('echo ran')
    await Promise.all([started.launcher.start(order), started.launcher.start(order)])
    await started.exitOf(order.unitId)
    await started.launcher.start(order)
    expect(text(started, order.unitId, 'stdout')).toBe('ran\n')
    expect(readdirSync(started.root)).toHaveLength(1)
  })

  test('of a command that is too long for the system fails and leaves nothing behind', async () => {
    const started = startLauncher()
    const order = orderFor(['echo', 'x'.repeat(300_000)])
    await expect(started.launcher.start(order)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
    expect(readdirSync(started.root)).toEqual([])
  })

  test('forgetting an ended unit removes all of it', async () => {
    const started = startLauncher()
    const order = orderFor('true')
    await run(started, order)
    await started.launcher.forget(order.unitId)
    expect(readdirSync(started.root)).toEqual([])
    expect(() => started.launcher.directoryOf(order.unitId)).toThrow(/has left nothing/)
  })
})

describe('input files', () => {
  const bytes = new TextEncoder().encode('some words to count\n')
  const input = (name: string): InputFile => ({
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })
  const serving = (served: Uint8Array) => ({
    fetchInput: async () => new Blob([served as Uint8Array<ArrayBuffer>]).stream(),
  })

  test('lie in the sandbox before the unit starts', async () => {
    const started = startLauncher(serving(bytes))
    const order = orderFor('cat words.txt deep/words.txt', { inputs: [input('words.txt'), input('deep/words.txt')] })
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    expect(text(started, order.unitId, 'stdout')).toBe('some words to count\n'.repeat(2))
  })

  test.each([
    ['other bytes of the same length', new Uint8Array(bytes.length)],
    ['fewer bytes', bytes.subarray(1)],
    ['more bytes', new Uint8Array([...bytes, 0])],
  ])('%s than were signed are refused, and nothing starts', async (_name, served) => {
    const started = startLauncher(serving(served))
    const order = orderFor('true', { inputs: [input('words.txt')] })
    await expect(started.launcher.start(order)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
    expect(readdirSync(started.root)).toEqual([])
  })

  test.each(['../escaped', '/tmp/escaped', 'a/../../escaped', 'a//b', '.', 'a\0b', '..', 'x'.repeat(300), 'a\\b'])(
    'a name that leads out of the sandbox, or is none, is refused: %j',
    async (name) => {
      const started = startLauncher(serving(bytes))
      const order = orderFor('true', { inputs: [input(name)] })
      await expect(started.launcher.start(order)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
      expect(existsSync(join(started.root, 'escaped'))).toBe(false)
      expect(readdirSync(started.root)).toEqual([])
    },
  )

  test('two that would share a place are refused', async () => {
    const started = startLauncher(serving(bytes))
    const order = orderFor('true', { inputs: [input('a'), input('a/b')] })
    await expect(started.launcher.start(order)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
  })

  test('a stop while they are fetched means that the unit never starts', async () => {
    const fetching = Promise.withResolvers<void>()
    const started = startLauncher({
      fetchInput: (_order, _name, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('given up')))
          fetching.resolve()
        }),
    })
    const order = orderFor('true', { inputs: [input('words.txt')] })
    const outcome = expect(started.launcher.start(order)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
    await fetching.promise
    await started.launcher.signal(order.unitId, 'TERM')
    await outcome
    expect(readdirSync(started.root)).toEqual([])
  })
})

const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return process.getuid?.() === 0
  } catch {
    return false
  }
})()

test.runIf(canMount)('a full disk is a typed error and leaves no half-started unit', async () => {
  const disk = temporaryDirectory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
  onTestFinished(() => void execFileSync('umount', ['-l', disk]))
  const bytes = new Uint8Array(256 * 1024)
  const started = startLauncher({
    root: join(disk, 'units'),
    fetchInput: async () => new Blob([bytes]).stream(),
  })
  const inputs = [{ name: 'big', bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }]
  await expect(started.launcher.start(orderFor('true', { inputs }))).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(readdirSync(started.root)).toEqual([])
})

test.runIf(canMount)('a disk that fills up while the unit runs does not lose its exit code', async () => {
  const disk = temporaryDirectory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk])
  onTestFinished(() => void execFileSync('umount', ['-l', disk]))
  const started = startLauncher({ root: join(disk, 'units') })
  const order = orderFor('head -c 1000000 /dev/zero >filler; exit 42')
  expect(await run(started, order)).toEqual({ kind: 'exited', code: 42 })
  expect(readMark(join(started.launcher.directoryOf(order.unitId).path, 'group'))).toBeDefined()
})
