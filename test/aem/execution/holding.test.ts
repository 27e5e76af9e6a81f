import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { UnitDirectory } from '../../../aem/execution/index.ts'
import type { UnitOrder } from '../../../aem/protocol/index.ts'
import { orderFor, run, startLauncher, temporaryDirectory, type Started } from './fixture.ts'
import { allMeans, subreaper } from './means.ts'
import { stateOf, until } from './processes.ts'

const MIB = 1024 * 1024

const STRAY = { STRAY: `trap '' TERM HUP; echo $$ >stray; while :; do sleep 1; done` }

/** With more than one core, so that it is in a control group where there are any. */
const held = (command: UnitOrder['run'], changes: Partial<UnitOrder> = {}): UnitOrder =>
  orderFor(command, { cores: 2, ...changes })

const directoryOf = (started: Started, unitId: string): UnitDirectory => started.launcher.directoryOf(unitId)
const output = (started: Started, unitId: string): string =>
  readFileSync(directoryOf(started, unitId).stream('stdout'), 'utf8')

describe.each(allMeans)('held by $name', ({ means }) => {
  test('a unit ends as its command did', async () => {
    const started = startLauncher({ means })
    expect(await run(started, held('exit 7'))).toEqual({ kind: 'exited', code: 7 })
    expect(await run(started, held('kill -9 $$'))).toEqual({ kind: 'signalled', signal: 'KILL' })
    expect(await run(started, held('sleep 30', { limits: { timeMs: 100 } }))).toEqual({ kind: 'timeout' })
  })

  test('a daemon that a unit left in a session of its own, deaf to TERM, ends with it', async () => {
    const started = startLauncher({ means })
    // Forked twice, so that its parent is gone, and in a session that is not the unit's.
    const order = held('(setsid sh -c "$STRAY" &) ; while [ ! -s stray ]; do sleep 0.01; done', { env: STRAY })
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    const pid = Number(readFileSync(join(directoryOf(started, order.unitId).work, 'stray'), 'utf8'))
    expect(pid).toBeGreaterThan(1)
    expect(stateOf(pid)).toBeUndefined()
  })

  test('a hundred that a unit left behind end with it', async () => {
    const started = startLauncher({ means })
    const order = held(
      'i=0; while [ $i -lt 100 ]; do setsid sleep 300 & echo $! >>strays; i=$((i + 1)); done; sleep 0.1',
    )
    await run(started, order)
    const pids = readFileSync(join(directoryOf(started, order.unitId).work, 'strays'), 'utf8')
      .trim()
      .split('\n')
    expect(pids).toHaveLength(100)
    for (const pid of pids) expect(stateOf(Number(pid))).toBeUndefined()
  })

  test('what is left of a unit whose shim was killed is killed, whatever session it is in', async () => {
    const started = startLauncher({ means })
    const order = held('setsid sleep 300 & echo $! >stray; sleep 300')
    await started.launcher.start(order)
    const directory = directoryOf(started, order.unitId)
    const file = join(directory.work, 'stray')
    await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'))
    process.kill(directory.shim!.pid, 'SIGKILL')
    expect(await started.exitOf(order.unitId)).toMatchObject({ kind: 'vanished' })
    await until(() => stateOf(Number(readFileSync(file, 'utf8'))) === undefined)
  })

  test('a suspended unit does nothing until it is resumed, and the time does not count against its limit', async () => {
    const started = startLauncher({ means })
    const limits = { timeMs: 1_000 }
    const order = held('setsid sh -c "while :; do echo x; sleep 0.02; done" & wait', { limits })
    await started.launcher.start(order)
    await until(() => output(started, order.unitId) !== '')
    await started.launcher.suspend(order.unitId)
    expect(started.launcher.isSuspended(order.unitId)).toBe(true)
    const before = output(started, order.unitId)
    // Longer than the limit: the watcher of the time wakes meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    expect(output(started, order.unitId)).toBe(before)
    await started.launcher.suspend(order.unitId)
    await started.launcher.resume(order.unitId)
    expect(started.launcher.isSuspended(order.unitId)).toBe(false)
    await until(() => output(started, order.unitId).length > before.length)
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'timeout' })
  })

  test('a suspended unit can be killed', async () => {
    const started = startLauncher({ means })
    const order = held('sleep 300')
    await started.launcher.start(order)
    await started.launcher.suspend(order.unitId)
    await started.launcher.signal(order.unitId, 'KILL')
    expect(await started.exitOf(order.unitId)).toEqual({ kind: 'signalled', signal: 'KILL' })
  })

  test('a unit stays suspended over a restart of the daemon, which can resume it', async () => {
    const root = join(temporaryDirectory(), 'units')
    const first = startLauncher({ means, root })
    const gate = join(temporaryDirectory(), 'gate')
    const order = held(`while [ ! -e ${gate} ]; do sleep 0.02; done; exit 9`)
    await first.launcher.start(order)
    await first.launcher.suspend(order.unitId)
    first.launcher.close()
    const second = startLauncher({ means, root })
    expect(await second.launcher.recover()).toMatchObject([{ state: 'running' }])
    expect(second.launcher.isSuspended(order.unitId)).toBe(true)
    writeFileSync(gate, '')
    await second.launcher.resume(order.unitId)
    expect(await second.exitOf(order.unitId)).toEqual({ kind: 'exited', code: 9 })
  })

  test('suspending and resuming what has ended, or is unknown, is no error', async () => {
    const started = startLauncher({ means })
    const order = held('true')
    await run(started, order)
    for (const unitId of [order.unitId, held('true').unitId]) {
      await started.launcher.suspend(unitId)
      await started.launcher.resume(unitId)
      expect(started.launcher.isSuspended(unitId)).toBe(false)
    }
  })
})

describe.each(allMeans.filter(({ means }) => means.cgroups || means.subreaper))('held by $name', ({ means }) => {
  test('a daemon that a unit left without any trace of it ends with it', async () => {
    const started = startLauncher({ means })
    const order = held('(setsid env -i sh -c "$STRAY" &) ; while [ ! -s stray ]; do sleep 0.01; done', {
      env: STRAY,
    })
    await run(started, order)
    const pid = Number(readFileSync(join(directoryOf(started, order.unitId).work, 'stray'), 'utf8'))
    expect(stateOf(pid)).toBeUndefined()
  })
})

describe.each(allMeans.filter(({ means }) => means.cgroups))('held by $name', ({ means }) => {
  test('the processor time of all its processes is known when it has ended, and its group is gone', async () => {
    const started = startLauncher({ means })
    const order = held('(i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done) & wait')
    await run(started, order)
    const directory = directoryOf(started, order.unitId)
    const groups = Object.values(directory.readCgroup()!.directories)
    expect(groups.length).toBeGreaterThan(0)
    expect(started.launcher.usageOf(order.unitId)!.cpuMs).toBeGreaterThan(1)
    await started.launcher.forget(order.unitId)
    for (const group of groups) expect(existsSync(group)).toBe(false)
  })
})

describe.each(allMeans.filter(({ means }) => means.cgroups?.powers.has('memory')))('held by $name', ({ means }) => {
  test('a unit that uses up its memory is told apart from one that was killed', async () => {
    const started = startLauncher({ means })
    const greedy = `exec perl -e '$a = "x" x (200 * 1024 * 1024); sleep 1'`
    const limits = { memoryBytes: 32 * MIB }
    expect(await run(started, held(greedy, { limits }))).toEqual({ kind: 'oom' })
    expect(await run(started, held(greedy))).toEqual({ kind: 'exited', code: 0 })
    expect(await run(started, held('kill -9 $$', { limits }))).toEqual({ kind: 'signalled', signal: 'KILL' })
  })

  test('the memory of all its processes counts together', async () => {
    const started = startLauncher({ means })
    const one = `perl -e '$a = "x" x (20 * 1024 * 1024); sleep 300'`
    const order = held(['bash', '-c', `${one} & ${one} & ${one} & wait -n; exit 3`], {
      limits: { memoryBytes: 48 * MIB, timeMs: 10_000 },
    })
    expect(await run(started, order)).toEqual({ kind: 'oom' })
  })
})

describe.each(allMeans.filter(({ means }) => means.cgroups?.powers.has('processes')))('held by $name', ({ means }) => {
  test('a unit gets no more processes than its limit', async () => {
    const started = startLauncher({ means })
    const order = held('i=0; while [ $i -lt 50 ]; do sleep 5 & i=$((i + 1)); done; echo all', {
      limits: { processesCount: 10 },
    })
    const exit = await run(started, order)
    expect(exit).not.toEqual({ kind: 'exited', code: 0 })
    expect(output(started, order.unitId)).toBe('')
  })
})

test('options that a job has for its own Perl are not taken by that of a shim', async () => {
  const started = startLauncher({ means: subreaper ? { subreaper } : {} })
  const order = orderFor('echo "$PERL5OPT"', { env: { PERL5OPT: '-MNoSuchModule' } })
  expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
  expect(output(started, order.unitId)).toBe('-MNoSuchModule\n')
})

test('a unit that asks for nothing special is in no control group, and none waits for it to enter one', async () => {
  const { means } = allMeans[0]!
  const started = startLauncher({ means })
  const order = orderFor('true')
  await run(started, order)
  expect(directoryOf(started, order.unitId).readCgroup()).toBeUndefined()
})
