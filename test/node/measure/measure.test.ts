import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { measureDynamic, measureStatic, withLabels } from '../../../node/measure/index.ts'
import { checkAttributes } from '../../../overlay/index.ts'

const dataDir = tmpdir()
const hasProc = existsSync('/proc/meminfo')

/** Kibibytes of a line of /proc/meminfo, in bytes. */
function meminfo(name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))![1]) * 1024
}

/** How many CPUs a list such as `0-3,8` names. */
function cpusIn(list: string): number {
  return list
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((count, [first, last]) => count + (last ?? first!) - first! + 1, 0)
}

describe('static attributes', () => {
  test('are what a descriptor takes', async () => {
    const measured = await measureStatic({ dataDir, software: ['sh'], labels: { Site: 'lyon' } })
    expect(checkAttributes(measured)).toEqual(measured)
    expect(measured).toMatchObject({ Site: 'lyon', Software: expect.arrayContaining(['sh']) })
  })

  test.runIf(hasProc)('agree with /proc', async () => {
    const measured = await measureStatic({ dataDir, software: [], labels: {} })
    const affinity = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!
    expect(measured['Cores']).toBeGreaterThanOrEqual(1)
    expect(measured['Cores']).toBeLessThanOrEqual(cpusIn(affinity))
    expect(measured['Memory']).toBeLessThanOrEqual(meminfo('MemTotal'))
    expect(measured['Memory']).toBeGreaterThan(0)
    expect(measured['VirtualMemory']).toBeGreaterThanOrEqual(measured['Memory'] as number)
    expect(measured['VirtualMemory']).toBeLessThanOrEqual(meminfo('MemTotal') + meminfo('SwapTotal'))
    expect(measured['Kernel']).toBe(readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim())
    expect(measured['Hostname']).toBe(readFileSync('/proc/sys/kernel/hostname', 'utf8').trim())
    expect(measured['Os']).toBe('LINUX')
  })

  test('the disk is that of the data directory', async () => {
    const { blocks, bsize } = statfsSync(dataDir)
    expect((await measureStatic({ dataDir, software: [], labels: {} }))['Disk']).toBe(blocks * bsize)
  })
})

describe('software', () => {
  async function softwareOf(script: string, name = 'tool'): Promise<unknown> {
    const dir = mkdtempSync(join(tmpdir(), 'roost-software-'))
    const file = join(dir, name)
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
    try {
      return (await measureStatic({ dataDir, software: [file], labels: {} }))['Software']
    } finally {
      rmSync(dir, { recursive: true })
    }
  }

  test('is offered by name and by version', async () => {
    expect(await softwareOf('echo tool version 2.13.1 of 2026-01-02')).toEqual(['tool', 'tool/2.13.1'])
  })

  test('is also offered under the name that people know', async () => {
    expect(await softwareOf('echo Python 3.13.1', 'python3')).toEqual([
      'python',
      'python/3.13.1',
      'python3',
      'python3/3.13.1',
    ])
  })

  test('that tells a version on standard error, fails, or says nothing', async () => {
    expect(await softwareOf('echo v7.1 >&2')).toEqual(['tool', 'tool/7.1'])
    expect(await softwareOf('exit 3')).toEqual(['tool'])
    expect(await softwareOf('true')).toEqual(['tool'])
  })

  test('that never answers costs a bounded time, and keeps its name', async () => {
    expect(await softwareOf('exec sleep 600')).toEqual(['tool'])
  })

  test('that is not there is not offered', async () => {
    const measured = await measureStatic({ dataDir, software: ['no-such-program', '/no/such/path'], labels: {} })
    expect(measured['Software']).toEqual([])
  })
})

test('a label comes before what is measured, whatever its case', () => {
  expect(withLabels({ Cores: 2, Os: 'LINUX' }, { cores: 1, rack: 'b' })).toEqual({ Os: 'LINUX', cores: 1, rack: 'b' })
})

describe('dynamic attributes', () => {
  test('are what a query takes', () => {
    const measured = measureDynamic({ dataDir, production: true })
    expect(checkAttributes(measured)).toEqual(measured)
    expect(measured['Production']).toBe(true)
  })

  test.runIf(hasProc)('stay within what /proc says that there is', () => {
    const measured = measureDynamic({ dataDir, production: false })
    expect(measured['Load']).toBeGreaterThanOrEqual(0)
    expect(measured['FreeMemory']).toBeGreaterThan(0)
    expect(measured['FreeMemory']).toBeLessThan(meminfo('MemTotal'))
    expect(measured['FreeDisk']).toBeGreaterThan(0)
    expect(measured['FreeDisk']).toBeLessThanOrEqual(statfsSync(dataDir).blocks * statfsSync(dataDir).bsize)
  })
})
