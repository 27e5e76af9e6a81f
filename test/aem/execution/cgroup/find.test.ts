import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findCgroups, treesOf } from '../../../../aem/execution/cgroup/find.ts'
import { cgroupsV2 } from '../means.ts'

describe('where the group of a process lies', () => {
  test('in the one tree of v2', () => {
    const places = {
      mounts: '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate',
      memberships: '0::/system.slice/roost.service',
    }
    expect(treesOf(places)).toEqual(new Map([['', '/sys/fs/cgroup/system.slice/roost.service']]))
  })

  test('in a tree for each controller of v1, some of which share one', () => {
    const places = {
      mounts: [
        '25 23 0:21 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
        '26 23 0:22 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      ].join('\n'),
      memberships: '4:memory:/user\n3:cpu,cpuacct:/\n1:name=systemd:/init.scope',
    }
    const trees = treesOf(places)
    expect(trees.get('memory')).toBe('/sys/fs/cgroup/memory/user')
    expect(trees.get('cpu')).toBe('/sys/fs/cgroup/cpu,cpuacct')
    expect(trees.get('cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct')
  })

  test('below what is mounted, where only a part of the tree is', () => {
    const mounts = '26 23 0:22 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw'
    expect(treesOf({ mounts, memberships: '0::/docker/abc/inner' }).get('')).toBe('/sys/fs/cgroup/inner')
    expect(treesOf({ mounts, memberships: '0::/docker/abcd' }).get('')).toBe('/sys/fs/cgroup')
  })

  test('nowhere that the shim could not read: names with escapes are left out', () => {
    const mounts = '26 23 0:22 / /a\\040b rw - cgroup2 cgroup rw'
    expect(treesOf({ mounts, memberships: '0::/' }).size).toBe(0)
  })
})

test('where no group can be made there is no driver, and words for why', async () => {
  const mounts = '26 23 0:22 / /proc/no-such-place rw - cgroup2 cgroup rw'
  const { driver, lacks } = await findCgroups({ mounts, memberships: '0::/' })
  expect(driver).toBeUndefined()
  expect(lacks).toEqual([expect.stringContaining('cannot be made')])
  expect((await findCgroups({ mounts: '', memberships: '' })).driver).toBeUndefined()
})

describe.each(
  cgroupsV2
    ? [
        { where: 'it', given: '' },
        { where: 'a leaf of it', given: 'roost-daemon' },
      ]
    : [],
)('a daemon to which a group of v2 was delegated, and that is put into $where', ({ given }) => {
  test('is in a leaf of it, and makes the groups of its units beside that', async () => {
    const mount = /^(?:\S+ ){4}(\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))![1]!
    const name = `roost-test-${process.pid}-${performance.now()}`
    const delegated = join(mount, name)
    mkdirSync(join(delegated, given), { recursive: true })
    onTestFinished(() => {
      for (const below of ['roost-daemon', 'roost-units', '']) rmdirSync(join(delegated, below))
    })
    const program = join(import.meta.dirname, 'find-daemon.ts')
    const command = `echo 0 >"${join(delegated, given)}/cgroup.procs" && exec "${process.execPath}" "${program}"`
    const said = JSON.parse(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })) as unknown
    expect(said).toEqual({ own: `/${name}/roost-daemon`, directory: join(delegated, 'roost-units/unit') })
  })
})
