import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSurroundings, generateKey } from '../../../node/keys/index.ts'
import {
  applicationsWire,
  checkPublication,
  signApplicationRecord,
  type ApplicationReply,
  type ApplicationRequest,
  type CallEnv,
  type SignedApplicationRecord,
} from '../../../overlay/index.ts'
import type { Network } from '../../../node/net/index.ts'
import { askRaw, socketOf, type Answer } from '../../support/raw-http.ts'
import { gridOf, networkIn, type Member } from '../../support/machines.ts'
import { Machine, until } from '../../support/machine.ts'

/** Applications between real daemons: what one publishes the others find, as long as it is there. */

const machines: Machine[] = []
let grid: Member[]
beforeAll(async () => {
  grid = await gridOf(4, machines)
}, 120_000)
afterAll(async () => {
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual(machines.map(() => 0))
  await Promise.all(machines.map((machine) => machine.end()))
})

function post(member: Member, path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  return askRaw(socketOf(member.machine.dataDir), path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function remove(member: Member, path: string): Promise<void> {
  const { body } = await askRaw(socketOf(member.machine.dataDir), path, { method: 'DELETE' })
  expect(body).toEqual({ removed: true })
}

async function publish(member: Member, name: string, more: object = {}): Promise<Answer> {
  return post(member, '/applications', { name, endpoints: ['tcp://127.0.0.1:1'], ...more })
}

/** The publishers of a name, as one node finds them. */
async function publishers(asking: Member, name: string): Promise<string[]> {
  const { status, body } = await askRaw(socketOf(asking.machine.dataDir), `/applications/${name}`)
  return status === 404 ? [] : body.applications.map(({ publisher }: { publisher: string }) => publisher).sort()
}

async function names(asking: Member, where: string): Promise<string[]> {
  const { body } = await post(asking, '/applications/find', { where })
  return body.applications.map(({ name }: { name: string }) => name).sort()
}

/** Where `roost app connect` says that it leads. */
async function leadsTo(from: Member, name: string): Promise<string | undefined> {
  let kill = (): void => {}
  const running = from.machine.runWith(
    {
      onSpawn: (child) => {
        kill = () => void child.kill('SIGINT')
        child.stderr!.on('data', (text: string) => void (/leads to/.test(text) && kill()))
      },
    },
    'app',
    'connect',
    name,
  )
  return /leads to (\S+),/.exec((await running).stderr)?.[1]
}

describe('an application', () => {
  test('published by the command line is found from another machine, signed by its member, and removed', async () => {
    const [first, second] = grid as [Member, Member]
    const published = await first.machine.json(
      'app', 'publish', 'shop.web', '--port', '8080', '--endpoint', 'https://shop.example:443/',
      '--attribute', 'version=2', '--attribute', 'tags=[blue, green]', '--ttl', '20s',
    ) // prettier-ignore
    expect(published).toMatchObject({
      name: 'shop.web',
      owner: expect.stringMatching(/^12D3/),
      publisher: first.id,
      instance: 'main',
      endpoints: ['tcp://127.0.0.1:8080', 'https://shop.example:443/'],
      attributes: { version: 2, tags: ['blue', 'green'] },
      ttlMs: 20_000,
      member: expect.stringMatching(/^12D3/),
    })
    const found = await second.machine.json('app', 'find', 'Version >= 2 && member("blue", tags)')
    expect(found).toEqual({ applications: [published], isComplete: true })
    expect((await second.machine.json('app', 'find', 'version > 2')).applications).toEqual([])
    expect(await second.machine.run('app', 'find', 'shop.web')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`roost app find 'Name == "shop.web"'`),
    })
    const table = await second.machine.run('app', 'find')
    expect(table.stdout).toMatch(/^NAME +OWNER +NODE +INSTANCE +ENDPOINTS +ATTRIBUTES\nshop\.web +12D3\w+ +12D3/)

    expect(await second.machine.run('app', 'rm', 'shop.web')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('APPLICATION_NOT_FOUND'),
    })
    expect(await first.machine.json('app', 'rm', 'shop.web')).toEqual({ removed: true })
    expect(await publishers(second, 'shop.web')).toEqual([])
    expect(await names(second, 'true')).toEqual([])
  })

  test('belongs to who published it: another’s of the same name is another, and a bare name is one’s own', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    const mine = await first.machine.json('app', 'publish', 'till', '--port', '1')
    const theirs = await second.machine.json('app', 'publish', 'till', '--port', '2')
    expect([mine.owner, theirs.owner]).toEqual([mine.member, theirs.member])
    expect(mine.owner).not.toBe(theirs.owner)
    const { stdout } = await first.machine.run('app', 'find', 'Name == "till"')
    expect(stdout).toMatch(/^till +me +12D3/m)
    expect(stdout).toMatch(/^till +12D3\w+ +12D3/m)
    expect(await names(third, `Owner == "${mine.owner}"`)).toEqual(['till'])

    expect(await leadsTo(first, 'till')).toBe(`${mine.owner}/till`)
    expect(await leadsTo(second, 'me/till')).toBe(`${theirs.owner}/till`)
    expect(await leadsTo(third, `${mine.owner.slice(0, 16)}/till`)).toBe(`${mine.owner}/till`)
    expect(await leadsTo(third, 'any/till')).toBe('any/till')
    const unclear = await third.machine.run('app', 'connect', 'till')
    expect(unclear).toMatchObject({ stderr: expect.stringContaining('ID_AMBIGUOUS') })
    expect(unclear.stderr).toContain('any/till')
    expect(await third.machine.run('app', 'connect', 'me/till')).toMatchObject({ status: 3 })

    await first.machine.json('app', 'rm', 'till')
    // One is left, and is meant.
    expect(await leadsTo(third, 'till')).toBe(`${theirs.owner}/till`)
    await second.machine.json('app', 'rm', 'till')
  })

  test('is published side by side by several, and one that publishes again replaces its own alone', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    await publish(first, 'twins')
    await publish(second, 'twins')
    await publish(second, 'twins', { endpoints: ['tcp://127.0.0.1:2'] })
    expect(await publishers(third, 'twins')).toEqual([first.id, second.id].sort())
    await publish(second, 'twins', { instance: 'other' })
    expect(await publishers(third, 'twins')).toHaveLength(3)
    await remove(first, '/applications/twins')
    await remove(second, '/applications/twins?instance=other')
    expect(await publishers(third, 'twins')).toEqual([second.id])
    await remove(second, '/applications/twins')
  })

  test('outlives the restart of its daemon, and not the removal before one', async () => {
    const [, second, third] = grid as [Member, Member, Member]
    await publish(third, 'kept', { ttlMs: 10_000 })
    await publish(third, 'dropped', { ttlMs: 10_000 })
    await remove(third, '/applications/dropped')
    await third.machine.kill(third.daemon)
    third.daemon = await third.machine.up()
    await until('it is back', async () => (await publishers(second, 'kept')).length === 1)
    expect(await publishers(second, 'dropped')).toEqual([])
  })

  test('is gone when its publisher was killed, before its time to live where the grid has noticed', async () => {
    const [first, , , last] = grid as [Member, Member, Member, Member]
    await publish(last, 'mortal', { ttlMs: 10_000 })
    await publish(last, 'patient', { ttlMs: 3_600_000 })
    expect(await publishers(first, 'mortal')).toEqual([last.id])
    await last.machine.kill(last.daemon)
    const killedMs = performance.now()
    await until('it is gone', async () => (await publishers(first, 'mortal')).length === 0, 15_000)
    expect(performance.now() - killedMs).toBeLessThan(12_000)
    await until('so is what would live for an hour', async () => (await publishers(first, 'patient')).length === 0)
    last.daemon = await last.machine.up()
    await until('and both are back with it', async () => (await names(first, 'true')).join() === 'kept,mortal,patient')
  })
})

describe('what is refused', () => {
  test('names, endpoints, attributes and times that may not be, with what is wrong', async () => {
    const [first] = grid as [Member]
    expect(await first.machine.run('app', 'publish', 'Web', '--port', '80')).toMatchObject({ status: 2 })
    expect(await first.machine.run('app', 'publish', 'web')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--port'),
    })
    expect(await first.machine.run('app', 'publish', 'web', '--port', '0')).toMatchObject({ status: 2 })
    expect(await first.machine.run('app', 'find', 'version >=')).toMatchObject({ status: 2 })
    expect((await publish(first, 'web', { endpoints: ['tcp://nowhere'] })).body.error.code).toBe('APPLICATION_INVALID')
    expect((await publish(first, 'web', { ttlMs: 1 })).status).toBe(400)
    expect((await publish(first, 'web', { attributes: { long: 'x'.repeat(2_000) } })).body.error.code).toBe(
      'APPLICATION_INVALID',
    )
  })

  test("a member's words that do not say what is published", async () => {
    const [first] = grid as [Member]
    const other = {
      publisher: first.id,
      name: 'other',
      instance: 'main',
      endpoints: ['tcp://h:1'],
      attributes: {},
      ttlMs: 60_000,
    }
    const statement = await statementOf(first, other)
    expect((await publish(first, 'web', { statement })).body.error.code).toBe('SIGNATURE_INVALID')
    expect((await publish(first, 'web', { statement: 'bm9uZQ==' })).status).toBe(400)
    expect(await publishers(first, 'web')).toEqual([])
  })

  test('records that a member puts and that are not its own, or not true', async () => {
    const [first, second] = grid as [Member, Member]
    const { fingerprint } = (await first.machine.ask('/status')).grid
    const liar = await networkIn(first)
    try {
      const put = await putter(liar, first)
      const sign = (fields: object = {}): SignedApplicationRecord => {
        const record = {
          ...checkPublication({
            name: 'planted',
            instance: 'main',
            endpoints: ['tcp://h:1'],
            attributes: {},
            ttlMs: 60_000,
          }),
          publisher: liar.self,
          vo: fingerprint,
          sequence: Date.now(),
          atMs: Date.now(),
          ...fields,
        }
        return signApplicationRecord(record, liar.surroundings.crypto)
      }
      const others = createSurroundings(generateKey())
      const outcomes = await put([
        sign({ publisher: second.id }),
        { ...sign(), signature: others.crypto.sign('application-record', 'x') },
        sign({ vo: 'f'.repeat(64) }),
        sign({ atMs: Date.now() - 3_600_000 }),
        sign({ member: second.id }),
        sign(),
      ])
      expect(outcomes).toEqual([
        'SIGNATURE_INVALID',
        'SIGNATURE_INVALID',
        'DENIED',
        'RECORD_STALE',
        'SIGNATURE_INVALID',
        '',
      ])
      // Its own true word stands: it is a member.
      expect(await publishers(first, 'planted')).toEqual([liar.self])
    } finally {
      await liar.stop()
    }
  })
})

test('a grid of its own has applications of its own', async () => {
  const [first] = grid as [Member]
  const elsewhere = (await gridOf(1, machines))[0]!
  await publish(elsewhere, 'foreign')
  expect(await publishers(elsewhere, 'foreign')).toEqual([elsewhere.id])
  expect(await publishers(first, 'foreign')).toEqual([])
  expect(await elsewhere.machine.run('app', 'connect', 'kept')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('APPLICATION_NOT_FOUND'),
  })
})

async function statementOf(member: Member, body: object): Promise<string> {
  const { signedBy, encoded } = await import('../../support/statements.ts')
  const { fingerprint } = (await member.machine.ask('/status')).grid
  const signed = await signedBy(member.machine, fingerprint, { action: 'app.publish', body: body as never })
  return Buffer.from(encoded(signed)).toString('base64')
}

/** Puts records to a member's daemon, and gives what became of each. */
async function putter(
  network: Network,
  to: Member,
): Promise<(records: readonly SignedApplicationRecord[]) => Promise<readonly string[]>> {
  const env: CallEnv<ApplicationRequest, ApplicationReply> = network.serve(applicationsWire, {
    answer: () => ({ type: 'page', records: [] }),
  })
  return async (records) => {
    const reply = await env.call(to.id, { type: 'put', records }, { timeoutMs: 10_000 })
    return reply.type === 'taken' ? reply.refusals : []
  }
}
