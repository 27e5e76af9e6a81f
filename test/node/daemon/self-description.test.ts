import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDataDirectory, type DataDirectory } from '../../../node/data/index.ts'
import { Keepsakes } from '../../../node/daemon/kept.ts'
import { SelfDescription } from '../../../node/daemon/self-description.ts'
import type { Log } from '../../../overlay/contract/index.ts'

const warnings: string[] = []
const log: Log = { debug() {}, info() {}, error() {}, warn: (_, message) => void warnings.push(message) }
let path: string
let data: DataDirectory

beforeEach(async () => {
  warnings.length = 0
  path = mkdtempSync(join(tmpdir(), 'roost-self-'))
  data = await openDataDirectory(path)
})
afterEach(async () => {
  await data.close()
  rmSync(path, { recursive: true, force: true })
})

async function describeSelf(labels: Record<string, string | number> = {}): Promise<SelfDescription> {
  const self = new SelfDescription(new Keepsakes(data, log), { dataDir: path, software: [], labels })
  await self.load()
  return self
}

describe('labels', () => {
  test('stand over what was measured, those set later over those of the configuration, whatever their case', async () => {
    const self = await describeSelf({ site: 'lab', Cores: 1 })
    expect(self.attributes()).toMatchObject({ site: 'lab', Cores: 1, Hostname: expect.any(String) })
    await self.change({ set: { SITE: 'attic' }, removed: ['cores'] })
    expect(self.attributes()).toMatchObject({ SITE: 'attic' })
    expect(self.attributes()).not.toHaveProperty('site')
    // The label is gone; what was measured shows again.
    expect(self.attributes()['Cores']).toBeGreaterThan(0)
  })

  test('are kept over a restart, and one that was removed stays so until it is set again', async () => {
    const before = await describeSelf({ site: 'lab' })
    await before.change({ set: { colour: 'red' }, removed: ['site'] })
    const after = await describeSelf({ site: 'lab' })
    expect(after.attributes()).toMatchObject({ colour: 'red' })
    expect(after.attributes()).not.toHaveProperty('site')
    await after.change({ set: { site: 'roof' }, removed: [] })
    expect((await describeSelf({ site: 'lab' })).attributes()).toMatchObject({ site: 'roof' })
  })

  test('a preview changes nothing', async () => {
    const self = await describeSelf()
    expect(self.preview({ set: { colour: 'red' }, removed: [] })).toMatchObject({ colour: 'red' })
    expect(self.attributes()).not.toHaveProperty('colour')
  })
})

test('what was kept and is damaged is left aside with a warning', async () => {
  await data.store('node').put('labels', Uint8Array.of(255, 1, 2))
  const self = await describeSelf({ site: 'lab' })
  expect(self.attributes()).toMatchObject({ site: 'lab' })
  expect(warnings).toHaveLength(1)
})
