import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { CgroupV2, CgroupV2Driver } from '../../../../aem/execution/cgroup/version-2.ts'
import { temporaryDirectory } from '../fixture.ts'

/** Plain files stand for those of the kernel, whose controllers may be in trees of v1 on the machine that runs this. */
const MADE_BY_KERNEL = ['cpu.weight', 'pids.max', 'memory.max', 'memory.swap.max', 'memory.oom.group']

vi.mock('../../../../aem/execution/cgroup/group-file.ts', async (original) => ({
  ...(await original<object>()),
  makeGroup: async (directory: string) => {
    mkdirSync(directory)
    for (const file of MADE_BY_KERNEL) writeFileSync(join(directory, file), '')
  },
}))

test('limits of v2 are where the kernel looks for them, and a unit that runs out of memory ends whole', async () => {
  const base = temporaryDirectory()
  writeFileSync(join(base, 'cgroup.subtree_control'), 'cpu memory pids')
  const driver = new CgroupV2Driver(base)
  const group = await driver.make('unit', { cores: 300, memoryBytes: 1_000_000, processesCount: 7 })
  const directory = group.record.directories['unified']!
  const values = MADE_BY_KERNEL.map((file) => readFileSync(join(directory, file), 'utf8'))
  expect(values).toEqual(['10000', '7', '1000000', '0', '1'])
})

test('what was used is read from where the kernel writes it', () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'memory.peak'), '4096\n')
  writeFileSync(join(directory, 'cpu.stat'), 'usage_usec 2500\nuser_usec 1500\n')
  const group = new CgroupV2({ version: 2, directories: { unified: directory } })
  expect(group.usage()).toEqual({ memoryPeakBytes: 4_096, cpuMs: 2.5 })
})

test('a driver can do what the controllers that are handed down can', () => {
  const base = temporaryDirectory()
  writeFileSync(join(base, 'cgroup.subtree_control'), 'memory pids\n')
  expect([...new CgroupV2Driver(base).powers].sort()).toEqual(['freeze', 'memory', 'processes'])
})
