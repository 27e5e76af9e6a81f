import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { reopen, type Cgroup, type CgroupDriver } from '../../../../aem/execution/cgroup/index.ts'
import { membersOf, readGroupFile } from '../../../../aem/execution/cgroup/group-file.ts'
import { cgroupsV1, cgroupsV2 } from '../means.ts'
import { stateOf, until } from '../processes.ts'

const drivers = [cgroupsV1, cgroupsV2].filter((driver) => driver !== undefined)
let groupsCount = 0

async function make(driver: CgroupDriver, limits = {}): Promise<Cgroup> {
  const group = await driver.make(`test-${process.pid}-${++groupsCount}`, { cores: 1, ...limits })
  onTestFinished(async () => {
    await group.kill()
    await group.remove()
  })
  return group
}

/** A shell that enters the group and then runs `command`, as the shim's does. */
async function startIn(group: Cgroup, command: string): Promise<number> {
  const enter = group.shimLines.filter(([what]) => what === 'enter').map(([, file]) => `echo 0 >${file}`)
  const child = spawn('/bin/sh', ['-c', [...enter, command].join('\n')], { stdio: 'ignore' })
  await once(child, 'spawn')
  const [, members] = group.shimLines.find(([what]) => what === 'members')!
  await until(() => readGroupFile(members) !== '')
  return child.pid!
}

const directoriesOf = (group: Cgroup): readonly string[] => Object.values(group.record.directories)

describe.each(drivers.map((driver) => ({ version: driver.version, driver })))('cgroup v$version', ({ driver }) => {
  test('a group holds those who enter it, and those whom they fork', async () => {
    const group = await make(driver)
    const pid = await startIn(group, 'sleep 300 & wait')
    await until(() => membersOf(directoriesOf(group)[0]!).length === 2)
    for (const directory of directoriesOf(group)) expect(membersOf(directory)).toContain(pid)
  })

  test('ends all its members, also frozen ones', async () => {
    const group = await make(driver)
    const pid = await startIn(group, 'trap "" TERM; while :; do sleep 1; done')
    await group.freeze()
    await group.kill()
    await until(() => stateOf(pid) === undefined)
    await group.kill()
  })

  test('ends those who fork as fast as they can', async () => {
    const group = await make(driver)
    await startIn(group, 'for i in 1 2 3 4; do (while :; do sleep 0.01 & done) & done; sleep 300')
    await group.kill()
    expect(membersOf(directoriesOf(group)[0]!)).toEqual([])
  })

  test('is the same group when a later process opens it by its record', async () => {
    const group = await make(driver)
    const pid = await startIn(group, 'sleep 300')
    const again = reopen(JSON.parse(JSON.stringify(group.record)))
    await again.freeze()
    await again.thaw()
    await again.kill()
    await until(() => stateOf(pid) === undefined)
    await again.remove()
    for (const directory of directoriesOf(group)) expect(existsSync(directory)).toBe(false)
    await group.remove()
  })

  test('a name that is taken is refused, and the group that has it stays', async () => {
    const group = await make(driver)
    const name = directoriesOf(group)[0]!.split('/').at(-1)!
    await expect(driver.make(name, { cores: 1 })).rejects.toMatchObject({ code: 'EEXIST' })
    expect(existsSync(directoriesOf(group)[0]!)).toBe(true)
  })
})

test.runIf(cgroupsV1)('limits of v1 are where the kernel looks for them', async () => {
  const group = await make(cgroupsV1!, { cores: 4, memoryBytes: 64 * 1024 * 1024, processesCount: 7 })
  const { cpu, memory, pids } = group.record.directories
  if (cpu) expect(readGroupFile(`${cpu}/cpu.shares`)).toBe('4096')
  if (memory) expect(readGroupFile(`${memory}/memory.limit_in_bytes`)).toBe(String(64 * 1024 * 1024))
  if (pids) expect(readGroupFile(`${pids}/pids.max`)).toBe('7')
})
