import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNetwork, type Network } from '../../../node/net/index.ts'
import { createSurroundings, generateKey, loadKey, rawPrivateKey } from '../../../node/keys/index.ts'
import { jobIdOf, jobWire, type JobReply, type JobRequest } from '../../../aem/protocol/index.ts'
import { Authority } from '../../../node/vo/authority.ts'
import { CertificateChecker, readAuthority } from '../../../node/vo/check.ts'
import type { SignedStatement } from '../../../overlay/contract/index.ts'
import type { CallEnv, Plain } from '../../../overlay/index.ts'
import { DaemonClient } from '../../support/daemon.ts'
import { Machine, until } from '../../support/machine.ts'
import { encoded, signedBy, submissionForm } from '../../support/statements.ts'
import { MemoryLog } from '../net/grid.ts'

/** What members, and those who are none, can make real daemons do in a user's name; and what another node can. */

let first: Machine
let second: Machine
let stranger: Machine
let one: DaemonClient
let two: DaemonClient
let fingerprint: string
let controllerId: string
let strange: string
let fingerprints: Record<string, string>

beforeAll(async () => {
  first = new Machine({ ROOST_NAME: 'n1' })
  second = new Machine({ ROOST_NAME: 'n2' })
  stranger = new Machine()
  await Promise.all([first.up(), stranger.up()])
  await second.up('--join', (await first.json('invite')).ticket)
  one = new DaemonClient(first)
  two = new DaemonClient(second)
  const status = await one.status()
  fingerprint = status.grid.fingerprint
  controllerId = status.id
  strange = (await new DaemonClient(stranger).status()).grid.fingerprint
  fingerprints = { first: fingerprint, stranger: strange }
  await until('both know both', async () => (await one.names('alive')).length + (await two.names('alive')).length === 4)
})
afterAll(() => Promise.all([first.end(), second.end(), stranger.end()]))

/** What the first machine's user would sign, for the first machine's node unless said otherwise. */
const submission = (run = 'true', controller = controllerId): { action: string; body: Plain } => ({
  action: 'job.submit',
  body: { controller, description: { run }, inputs: [] },
})

async function submit(
  at: DaemonClient,
  statement: SignedStatement,
  files: readonly Uint8Array<ArrayBuffer>[] = [],
): Promise<string> {
  const { status, body } = await at.ask('/aem/jobs', { method: 'POST', ...(await submissionForm(statement, files)) })
  return status === 200 ? body.id : body.error.code
}

const ID = /^[0-9a-hjkmnp-tv-z]{26}$/

describe('a submission', () => {
  test('that is sent again is the same job', async () => {
    const statement = await signedBy(first, fingerprint, submission())
    const id = await submit(one, statement)
    expect(id).toMatch(ID)
    expect(await submit(one, statement)).toBe(id)
    const { jobs } = (await one.ask('/aem/jobs?all=true')).body
    expect(jobs.filter((job: { id: string }) => job.id === id)).toHaveLength(1)
  })

  test('of another grid, for another action, stale, dated ahead, or by a stranger is refused with its code', async () => {
    expect(await submit(one, await signedBy(stranger, strange, submission()))).toBe('CREDENTIAL_INVALID')
    expect(await submit(one, await signedBy(first, fingerprint, { ...submission(), action: 'vo.invite' }))).toBe(
      'DENIED',
    )
    const dayMs = 86_400_000
    for (const wallMs of [Date.now() - dayMs, Date.now() + dayMs])
      expect(await submit(one, await signedBy(first, fingerprint, submission(), { wallMs }))).toBe('STATEMENT_STALE')
    const mine = await signedBy(first, fingerprint, submission())
    const theirs = await signedBy(second, fingerprint, submission())
    expect(await submit(one, { ...mine, certificate: theirs.certificate })).toBe('CREDENTIAL_INVALID')
    expect(await submit(one, { ...mine, certificate: theirs.certificate, signer: theirs.signer })).toBe(
      'SIGNATURE_INVALID',
    )
    expect(await submit(one, { ...mine, signature: theirs.signature })).toBe('SIGNATURE_INVALID')
  })

  test('that is handed to another node is refused there: nobody runs it twice', async () => {
    const statement = await signedBy(first, fingerprint, submission())
    expect(await submit(one, statement)).toMatch(ID)
    expect(await submit(two, statement)).toBe('DENIED')
  })

  test('of which anything was changed on the way is refused', async () => {
    const mine = await signedBy(first, fingerprint, submission('echo mine'))
    const { statement } = mine
    for (const changed of [
      { ...statement, body: submission('echo other').body },
      { ...statement, atMs: statement.atMs + 1 },
      { ...statement, nonce: Uint8Array.from(statement.nonce, (byte) => byte ^ 1) },
    ])
      expect(await submit(one, { ...mine, statement: changed })).toBe('SIGNATURE_INVALID')
    const file = new TextEncoder().encode('signed')
    const sha256 = createHash('sha256').update(file).digest('hex')
    const staged = await signedBy(first, fingerprint, {
      action: 'job.submit',
      body: {
        controller: controllerId,
        description: { run: 'true', stage: { in: ['f'] } },
        inputs: [{ name: 'f', bytes: file.length, sha256 }],
      },
    })
    expect(await submit(one, staged)).toBe('JOB_MALFORMED')
    expect(await submit(one, staged, [new TextEncoder().encode('forged')])).toBe('JOB_MALFORMED')
    expect(await submit(one, staged, [file])).toMatch(ID)
  })
})

describe('a cancellation', () => {
  test('is for the owner of the job, whichever node is asked, and is taken once', async () => {
    const id = await submit(one, await signedBy(first, fingerprint, submission('sleep 600')))
    await until('it runs', async () => (await one.job(id)).state === 'running')
    const cancel = async (by: Machine, at: DaemonClient, jobId = id): Promise<string> => {
      const statement = await signedBy(by, fingerprints[by === stranger ? 'stranger' : 'first']!, {
        action: 'job.cancel',
        body: { jobId },
      })
      const { body } = await at.ask(`/aem/jobs/${id}/cancel`, { method: 'POST', body: encoded(statement) })
      return body.error?.code ?? body.state
    }
    expect(await cancel(second, one)).toBe('DENIED')
    expect(await cancel(second, two)).toBe('DENIED')
    expect(await cancel(stranger, one)).toBe('CREDENTIAL_INVALID')
    expect(await cancel(first, one, '0'.repeat(26))).not.toBe('cancelled')
    expect((await one.job(id)).state).toBe('running')
    expect((await second.run('cancel', id)).status).toBe(4)
    await cancel(first, two)
    await until('it is cancelled', async () => (await one.job(id)).state === 'cancelled')
  })
})

describe('an invitation', () => {
  test('is for members, signed anew each time', async () => {
    const invite = async (statement: SignedStatement): Promise<string> => {
      const { body } = await one.ask('/invites', { method: 'POST', body: encoded(statement) })
      return body.error?.code ?? 'a ticket'
    }
    const statement = await signedBy(second, fingerprint, { action: 'vo.invite', body: {} })
    expect(await invite(statement)).toBe('a ticket')
    expect(await invite(statement)).toBe('STATEMENT_STALE')
    expect(await invite(await signedBy(stranger, strange, { action: 'vo.invite', body: {} }))).toBe(
      'CREDENTIAL_INVALID',
    )
    expect(await invite(await signedBy(first, fingerprint, submission()))).toBe('DENIED')
  })
})

describe('a node of the grid that is free to misbehave', () => {
  let network: Network
  let env: CallEnv<JobRequest, JobReply>
  let victim: string

  beforeAll(async () => {
    const vo = (name: string): string => join(first.dataDir, 'vo', name)
    const certificate = readAuthority(Uint8Array.from(readFileSync(vo('authority.crt'))), Date.now())
    const authority = new Authority((await loadKey(vo('authority.key')))!, certificate)
    const key = generateKey()
    const own = await authority.issue({ role: 'node', publicKey: key.publicKey }, { wallMs: Date.now() })
    const checker = new CertificateChecker(certificate)
    network = await createNetwork(
      { privateKey: rawPrivateKey(key), listen: ['/ip4/127.0.0.1/tcp/0'] },
      {
        admission: {
          present: () => ({ certificates: [own] }),
          check: (peer, presented) =>
            checker.check((presented as { certificates: Uint8Array[] }).certificates[0]!, {
              role: 'node',
              id: peer,
              wallMs: Date.now(),
            }),
        },
        surroundings: createSurroundings(key),
        vo: () => fingerprint,
        log: new MemoryLog(),
      },
    )
    const { id, addresses } = await one.status()
    victim = id
    network.know(id, addresses)
    await network.connect(id)
    env = network.serve(jobWire, { answer: () => ({ type: 'noted' }) as JobReply })
  })
  afterAll(() => network.stop())

  test('cannot do over HTTP what only local callers may', async () => {
    const fetch = network.peerFetch(victim)
    const codeOf = async (path: string, init?: RequestInit): Promise<string> => {
      const response = await fetch(`http://peer${path}`, init)
      const { error } = (await response.json()) as { error?: { code: string } }
      return error?.code ?? String(response.status)
    }
    const json = { 'content-type': 'application/json' }
    expect(await codeOf('/shutdown', { method: 'POST' })).toBe('DENIED')
    expect(await codeOf('/leave', { method: 'POST' })).toBe('DENIED')
    expect(await codeOf('/doctor')).toBe('DENIED')
    expect(await codeOf('/labels', { method: 'PUT', headers: json, body: '{"set":{"a":1},"remove":[]}' })).toBe(
      'DENIED',
    )
    expect(await codeOf('/invites', { method: 'POST', body: new Uint8Array([0xf6]) })).toBe('MESSAGE_MALFORMED')
    expect(await codeOf('/status')).toBe('200')
  })

  test('cannot have a description run that the user did not sign, nor place units for another controller', async () => {
    const signed = await signedBy(first, fingerprint, submission('echo signed', network.self))
    const crypto = createSurroundings(generateKey()).crypto
    const assign = async (statement: SignedStatement, changes: object = {}): Promise<string> => {
      const plain = statement as unknown as Plain & {}
      const request = {
        type: 'confirm',
        jobId: jobIdOf(plain, crypto),
        attempt: 1,
        index: 0,
        peers: [victim],
        controller: network.self,
        statement: plain,
        ...changes,
      } as unknown as JobRequest
      return env.call(victim, request, { timeoutMs: 5_000 }).then(
        ({ type }) => type,
        (error: { code: string }) => error.code,
      )
    }
    const forged = { ...signed.statement, body: submission('echo forged', network.self).body }
    // Who was shown a statement that names another controller cannot have it run a second time.
    expect(await assign(await signedBy(first, fingerprint, submission('echo again', victim)))).toBe('DENIED')
    expect(await assign({ ...signed, statement: forged })).toBe('SIGNATURE_INVALID')
    expect(await assign(signed, { controller: victim })).toBe('CONTROLLER_UNKNOWN')
    expect(await assign(signed, { peers: [network.self] })).toBe('DENIED')
    expect(await assign(signed, { peers: [victim, network.self] })).toBe('DENIED')
    expect(await assign(signed, { jobId: '0'.repeat(26) })).toBe('DENIED')
    expect(await assign(await signedBy(stranger, strange, submission()))).toBe('CREDENTIAL_INVALID')
    expect(await assign(await signedBy(first, fingerprint, { ...submission(), action: 'job.cancel' }))).toBe('DENIED')
    const { body } = await one.ask('/status')
    expect(body.id).toBe(victim)
  })

  test('gets no input file of a job that it does not run', async () => {
    const file = join(first.home, 'secret')
    writeFileSync(file, 'secret')
    writeFileSync(join(first.home, 'job.yaml'), 'run: sleep 30\nstage: { in: [secret] }\n')
    const { id } = await first.json('submit', join(first.home, 'job.yaml'))
    const response = await network.peerFetch(victim)(`http://peer/aem/jobs/${id}/inputs/secret`)
    expect(await response.json()).toMatchObject({ error: { code: 'DENIED' } })
    await first.run('cancel', id)
  })
})
