import { afterEach, expect, test, vi } from 'vitest'
import * as codec from '../../../node/codec/index.ts'
import { MemoryDisk, type StoredReplica } from '../../../overlay/replica/index.ts'
import { play, type PlayOptions, type Report } from '../../../sim/play.ts'
import { SCENARIOS } from '../../../sim/scenario/index.ts'

afterEach(() => vi.restoreAllMocks())

async function run(seed: number, options: Partial<PlayOptions> = {}): Promise<Report> {
  const scenario = SCENARIOS.get('replica')!
  const given = { cycles: '14', kill: '0.3@9', ...options.given }
  return await play(scenario, { nodesCount: 12, passage: 'plain', progress: () => {}, ...options, seed, given })
}

test('groups go on while machines lose their power and the network splits, and what they say is linearizable', async () => {
  const { sections } = await run(1)
  const figures = sections['replica']! as Record<string, any>
  expect(figures).toMatchObject({ groups: 4, linearizable: 'yes' })
  expect(figures['takeovers']).toBeGreaterThan(3)
  expect(figures['takeoverMs'].p50).toBeLessThan(3_000)
  expect(figures['answered']).toBeGreaterThan(0.95 * figures['operations'])
  expect(figures['unavailableShare']).toBeLessThan(0.5)
})

test('the run is the same through the codec', async () => {
  const [plain, coded] = [await run(3), await run(3, { passage: codec })]
  expect(coded.sections['replica']).toEqual(plain.sections['replica'])
})

test('nothing that was answered is lost when nearly all machines lose their power at once; disks that forget are found out', async () => {
  const given = { kill: '0.99@6' }
  expect((await run(4, { given })).sections['replica']).toMatchObject({ linearizable: 'yes' })
  const whole = Object.getOwnPropertyDescriptor(MemoryDisk.prototype, 'stored')!.get!
  vi.spyOn(MemoryDisk.prototype, 'stored', 'get').mockImplementation(function (this: MemoryDisk) {
    const stored: StoredReplica | undefined = whole.call(this)
    return stored && { ...stored, entries: stored.entries.slice(0, -40) }
  })
  await expect(run(4, { given })).rejects.toMatchObject({ code: 'SIMULATION_VIOLATION' })
})
