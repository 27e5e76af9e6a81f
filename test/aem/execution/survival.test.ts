import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { UnitDirectory } from '../../../aem/execution/index.ts'
import { isRunning, markOf, signalGroup } from '../../../aem/execution/process.ts'
import { shimArguments } from '../../../aem/execution/shim.ts'
import type { UnitOrder } from '../../../aem/protocol/index.ts'
import { orderFor, startLauncher, temporaryDirectory } from './fixture.ts'

interface Daemon {
  next(): Promise<unknown>
  kill(): Promise<void>
}

function startDaemon(root: string, order?: UnitOrder): Daemon {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'launcher-daemon.ts'), root, ...(order ? [JSON.stringify(order)] : [])],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill = (): Promise<void> => {
    child.kill('SIGKILL')
    return gone
  }
  onTestFinished(kill)
  return { next: async () => JSON.parse((await lines.next()).value!) as unknown, kill }
}

/** The one directory under `root`. */
const onlyDirectory = (root: string): UnitDirectory => new UnitDirectory(join(root, readdirSync(root)[0]!))

async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A unit that waits until the test lets it go, and then ends with status 9. */
function held(): { order: UnitOrder; release(): void } {
  const gate = join(temporaryDirectory(), 'gate')
  const order = orderFor(`while [ ! -e '${gate}' ]; do sleep 0.02; done; echo late; exit 9`)
  return { order, release: () => closeSync(openSync(gate, 'w')) }
}

test('a unit outlives kill -9 of its daemon, and the next daemon hears its exit code', async () => {
  const root = join(temporaryDirectory(), 'units')
  const { order, release } = held()
  const first = startDaemon(root, order)
  expect(await first.next()).toEqual({ started: true })
  await first.kill()
  const second = startDaemon(root)
  expect(await second.next()).toMatchObject({ recovered: [{ order: { unitId: order.unitId }, state: 'running' }] })
  release()
  expect(await second.next()).toEqual({ unitId: order.unitId, exit: { kind: 'exited', code: 9 } })
  expect(readFileSync(onlyDirectory(root).stream('stdout'), 'utf8')).toBe('late\n')
})

test('a unit that ends while no daemon runs keeps its exit code for the next one', async () => {
  const root = join(temporaryDirectory(), 'units')
  const { order, release } = held()
  const first = startDaemon(root, order)
  await first.next()
  await first.kill()
  release()
  await until(() => onlyDirectory(root).readExit() !== undefined)
  const started = startLauncher({ root })
  const exit = { kind: 'exited', code: 9 }
  expect(await started.launcher.recover()).toMatchObject([{ state: 'exited', exit }])
})

test('the time limit holds while no daemon runs', async () => {
  const root = join(temporaryDirectory(), 'units')
  const first = startDaemon(root, orderFor('sleep 60', { limits: { timeMs: 1_000 } }))
  await first.next()
  await first.kill()
  await until(() => onlyDirectory(root).readExit() !== undefined)
  expect(onlyDirectory(root).readExit()).toEqual({ kind: 'timeout' })
})

test('a recovered unit can still be signalled', async () => {
  const root = join(temporaryDirectory(), 'units')
  const order = orderFor('sleep 60')
  const first = startDaemon(root, order)
  await first.next()
  await until(() => onlyDirectory(root).group !== undefined)
  await first.kill()
  const started = startLauncher({ root })
  await started.launcher.recover()
  await started.launcher.signal(order.unitId, 'TERM')
  expect(await started.exitOf(order.unitId)).toEqual({ kind: 'signalled', signal: 'TERM' })
})

test('a unit whose shim was killed has vanished, and nothing of it goes on', async () => {
  const started = startLauncher()
  const order = orderFor('sleep 60')
  await started.launcher.start(order)
  const directory = started.launcher.directoryOf(order.unitId)
  await until(() => directory.group !== undefined)
  const group = directory.group!
  process.kill(directory.shim!.pid, 'SIGKILL')
  expect(await started.exitOf(order.unitId)).toMatchObject({ kind: 'vanished' })
  await until(() => !isRunning(group))
  const again = startLauncher({ root: started.root })
  expect(await again.launcher.recover()).toMatchObject([{ state: 'exited', exit: { kind: 'vanished' } }])
})

test('a process that got the id of an ended one is neither taken for it nor signalled', async () => {
  const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  onTestFinished(() => void stranger.kill('SIGKILL'))
  const mark = markOf(stranger.pid!)!
  expect(isRunning(mark)).toBe(true)
  const reused = { pid: mark.pid, begun: String(Number(mark.begun) - 1) }
  expect(isRunning(reused)).toBe(false)
  expect(signalGroup(reused, 'SIGKILL')).toBe(false)
  expect(isRunning(mark)).toBe(true)

  const root = join(temporaryDirectory(), 'units')
  mkdirSync(root)
  const directory = await UnitDirectory.create(root, orderFor('true'))
  for (const file of ['shim', 'group']) writeFileSync(join(directory.path, file), `${reused.pid} ${reused.begun}\n`)
  directory.claim()
  expect(await startLauncher({ root }).launcher.recover()).toMatchObject([
    { state: 'exited', exit: { kind: 'vanished' } },
  ])
  expect(isRunning(mark)).toBe(true)
})

test('a unit whose shim was never started may be started now', async () => {
  const root = join(temporaryDirectory(), 'units')
  mkdirSync(root)
  const order = orderFor('echo now')
  await UnitDirectory.create(root, order)
  const started = startLauncher({ root })
  expect(await started.launcher.recover()).toMatchObject([{ state: 'never-started', order: { unitId: order.unitId } }])
  await started.launcher.start(order)
  expect(await started.exitOf(order.unitId)).toEqual({ kind: 'exited', code: 0 })
})

test('a shim that comes after the unit was given up starts nothing', async () => {
  const root = join(temporaryDirectory(), 'units')
  mkdirSync(root)
  const directory = await UnitDirectory.create(root, orderFor('true'))
  expect(directory.claim()).toBe(true)
  const shim = spawn(
    '/bin/sh',
    shimArguments({
      dir: directory.path,
      path: '/bin',
      timeMs: undefined,
      memoryBytes: undefined,
      graceMs: 100,
      run: 'touch ran',
    }),
    { cwd: directory.work, stdio: 'ignore' },
  )
  await new Promise((resolve) => shim.once('exit', resolve))
  expect(readdirSync(directory.work)).toEqual([])
  expect(directory.readExit()).toBeUndefined()
})

test('a directory whose order was not written whole is cleared away', async () => {
  const root = join(temporaryDirectory(), 'units')
  mkdirSync(root)
  const directory = await UnitDirectory.create(root, orderFor('true'))
  writeFileSync(join(directory.path, 'order'), '{"order":')
  expect(await startLauncher({ root }).launcher.recover()).toEqual([])
  expect(readdirSync(root)).toEqual([])
})

test('units of an earlier run of the machine have vanished', async () => {
  const root = join(temporaryDirectory(), 'units')
  mkdirSync(root)
  const order = orderFor('true')
  const directory = await UnitDirectory.create(root, order)
  directory.claim()
  writeFileSync(join(directory.path, 'order'), JSON.stringify({ bootId: 'another', order }))
  const mark = markOf(process.pid)!
  writeFileSync(join(directory.path, 'shim'), `${mark.pid} ${mark.begun}\n`)
  expect(await startLauncher({ root }).launcher.recover()).toMatchObject([
    { state: 'exited', exit: { kind: 'vanished', reason: expect.stringContaining('restarted') } },
  ])
})
