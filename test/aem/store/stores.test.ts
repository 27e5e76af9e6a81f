import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JobEvent } from '../../../aem/protocol/index.ts'
import {
  expired,
  InputFiles,
  openDatabase,
  openJobLogs,
  openUnitStore,
  withInputs,
  type Database,
} from '../../../aem/store/index.ts'
import { JOB, temporaryDirectory } from '../execution/fixture.ts'

const OTHER_JOB = '1'.repeat(26)

async function open(
  path = join(temporaryDirectory(), 'database'),
): Promise<{ database: Database; path: string; inputs: InputFiles }> {
  const database = await openDatabase(path)
  onTestFinished(() => database.close())
  return { database, path, inputs: new InputFiles(join(path, '..', 'inputs')) }
}

const queued = (number: number, reason = `for the ${number}th time`): JobEvent => ({
  number,
  atMs: number,
  type: 'queued',
  reason,
})

describe('a job store', () => {
  test('reads from any number on what was appended, in order, also after it was closed and opened again', async () => {
    const { database, path, inputs } = await open()
    const store = withInputs(openJobLogs(database), inputs)
    await store.append(JOB, [queued(1), queued(2)])
    await store.append(OTHER_JOB, [queued(1, 'another')])
    await store.append(JOB, [queued(3)])
    await database.close()
    const again = await open(path)
    const reopened = withInputs(openJobLogs(again.database), inputs)
    expect(await reopened.read(JOB, 1)).toEqual([queued(1), queued(2), queued(3)])
    expect(await reopened.read(JOB, 3)).toEqual([queued(3)])
    expect(await reopened.read(JOB, 4)).toEqual([])
    expect(await reopened.list()).toEqual([JOB, OTHER_JOB])
  })

  test('keeps jobs apart when one is removed, and removes its input files too', async () => {
    const { database, inputs } = await open()
    const store = withInputs(openJobLogs(database), inputs)
    await store.append(JOB, [queued(1)])
    await store.append(OTHER_JOB, [queued(1)])
    const bytes = new TextEncoder().encode('data')
    const input = { name: 'data', bytes: 4, sha256: createHash('sha256').update(bytes).digest('hex') }
    await inputs.write(JOB, [input], new Map([['data', bytes]]))
    await store.remove(JOB)
    expect(await store.read(JOB, 1)).toEqual([])
    expect(await store.list()).toEqual([OTHER_JOB])
    await expect(inputs.read(JOB, input)).rejects.toMatchObject({ code: 'RECORD_NOT_FOUND' })
  })

  test('shares its database with the units', async () => {
    const { database, inputs } = await open()
    const units = openUnitStore(database)
    await withInputs(openJobLogs(database), inputs).append(JOB, [queued(1)])
    await units.append(`${JOB}.1.0`, [{ number: 1, atMs: 1, type: 'starting' }])
    await units.append(`${JOB}.1.10`, [{ number: 1, atMs: 1, type: 'started' }])
    expect(await units.list()).toEqual([`${JOB}.1.0`, `${JOB}.1.10`])
    expect(await units.read(`${JOB}.1.0`, 1)).toMatchObject([{ type: 'starting' }])
  })

  test('keeps order beyond any number of digits', async () => {
    const { database, inputs } = await open()
    const store = withInputs(openJobLogs(database), inputs)
    const events = Array.from({ length: 1_200 }, (_, index) => queued(index + 1))
    await store.append(JOB, events)
    expect((await store.read(JOB, 95)).map((event) => event.number)).toEqual(
      events.slice(94).map((event) => event.number),
    )
  })

  test.each([
    ['bytes that are no value', Uint8Array.of(0xff)],
    ['a value that is no event', encode({ type: 'queued' })],
    ['an event of another number', encode(queued(7))],
  ])('says STORE_FAILED for %s', async (_name, bytes) => {
    const { database, inputs } = await open()
    await database.write([{ type: 'put', key: `job!${JOB}!${'1'.padStart(16, '0')}`, value: bytes }])
    await expect(withInputs(openJobLogs(database), inputs).read(JOB, 1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  test('says STORE_FAILED for a hole in a log', async () => {
    const { database, inputs } = await open()
    const store = withInputs(openJobLogs(database), inputs)
    await store.append(JOB, [queued(1)])
    await store.append(JOB, [queued(3)])
    await expect(store.read(JOB, 1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  test('fails, typed, once its database is closed', async () => {
    const { database, inputs } = await open()
    const store = withInputs(openJobLogs(database), inputs)
    await database.close()
    await expect(store.append(JOB, [queued(1)])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(store.read(JOB, 1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(store.list()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})

test('a database that is open already, or is no database, is a typed error', async () => {
  const { path } = await open()
  await expect(openDatabase(path)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  const file = join(temporaryDirectory(), 'file')
  writeFileSync(file, 'not a directory')
  await expect(openDatabase(file)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

describe('input files', () => {
  const bytes = new TextEncoder().encode('content')
  const sha256 = createHash('sha256').update(bytes).digest('hex')

  test('are given back as they were written, and their names never reach the disk', async () => {
    const root = temporaryDirectory()
    const inputs = new InputFiles(root)
    const input = { name: '../../outside', bytes: bytes.length, sha256 }
    await inputs.write(JOB, [input], new Map([[input.name, bytes]]))
    expect(await new Response(await inputs.read(JOB, input)).text()).toBe('content')
    expect(readdirSync(join(root, JOB))).toEqual([sha256])
  })

  test.each([
    ['are missing', undefined],
    ['have another length', bytes.subarray(1)],
    ['have other bytes', new Uint8Array(bytes.length)],
  ])('that %s are refused, and none is kept', async (_name, given) => {
    const root = temporaryDirectory()
    const input = { name: 'a', bytes: bytes.length, sha256 }
    const files = new Map(given ? [['a', given]] : [])
    await expect(new InputFiles(root).write(JOB, [input], files)).rejects.toMatchObject({ code: 'JOB_MALFORMED' })
    expect(readdirSync(root)).toEqual([])
  })

  test('of jobs that nobody knows are swept away, and nothing else', async () => {
    const root = temporaryDirectory()
    for (const name of [JOB, OTHER_JOB, 'not-a-job']) mkdirSync(join(root, name))
    await new InputFiles(root).sweep(new Set([JOB]))
    expect(existsSync(join(root, OTHER_JOB))).toBe(false)
    expect(readdirSync(root)).toEqual([JOB, 'not-a-job'])
  })
})

describe('retention', () => {
  const endings = fc.array(fc.nat(1_000)).map((times) => times.map((endedAtMs, id) => ({ id, endedAtMs })))

  test('law: what stays is within count and age, and nothing that goes is younger than what stays', () => {
    fc.assert(
      fc.property(endings, fc.nat(20), fc.nat(1_000), (ended, countMax, ageMaxMs) => {
        const gone = new Set(expired(ended, { countMax, ageMaxMs }, 1_000))
        const stays = ended.filter(({ id }) => !gone.has(id))
        const oldest = Math.min(...stays.map(({ endedAtMs }) => endedAtMs))
        expect(stays.length).toBeLessThanOrEqual(countMax)
        expect(stays.every(({ endedAtMs }) => 1_000 - endedAtMs <= ageMaxMs)).toBe(true)
        expect(ended.every(({ id, endedAtMs }) => !gone.has(id) || endedAtMs <= oldest)).toBe(true)
      }),
    )
  })

  test('keeps all within both bounds', () => {
    expect(expired([{ id: 'a', endedAtMs: 5 }], { countMax: 1, ageMaxMs: 10 }, 15)).toEqual([])
  })
})
