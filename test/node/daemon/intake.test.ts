import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Intake } from '../../../node/daemon/intake.ts'

let intake: Intake
let server: Server
let url: string
/** Answers what waits. */
let answers: (() => void)[]

beforeEach(async () => {
  intake = new Intake()
  answers = []
  server = createServer(intake.guard((_, response) => void answers.push(() => response.end('answered'))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function asked(count: number): Promise<void> {
  await expect.poll(() => answers.length).toBe(count)
}

test('what was taken before is answered, and then nothing is under way', async () => {
  const reply = fetch(`${url}/aem/jobs`, { method: 'POST' })
  await asked(1)
  intake.close()
  let isIdle = false
  const idle = intake.idle(60_000).then(() => (isIdle = true))
  expect(intake.underWayCount).toBe(1)
  expect(isIdle).toBe(false)
  answers[0]!()
  expect(await (await reply).text()).toBe('answered')
  await idle
  expect(intake.underWayCount).toBe(0)
})

test('what is new is refused with certainty, but for reading and ending', async () => {
  intake.close()
  const refused = await fetch(`${url}/aem/jobs`, { method: 'POST' })
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ error: { code: 'NODE_LEAVING', certain: true } })
  const replies = [fetch(`${url}/status`), fetch(`${url}/shutdown`, { method: 'POST' })]
  await asked(2)
  for (const answer of answers) answer()
  for (const reply of replies) expect((await reply).status).toBe(200)
})

test('who is refused hears so once all that it says has come: before, it may be writing to a closed connection', async () => {
  intake.close()
  const request = httpRequest(`${url}/aem/jobs`, { method: 'POST' })
  let response: IncomingMessage | undefined
  const answered = new Promise<void>((resolve, reject) => {
    request.on('error', reject).on('response', (got) => {
      response = got
      resolve()
    })
  })
  request.write('a part')
  await new Promise((resolve) => server.once('request', resolve))
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(response).toBe(undefined)
  request.end('the rest')
  await answered
  expect(response?.statusCode).toBe(503)
  expect(JSON.parse(await text(response!))).toMatchObject({ error: { code: 'NODE_LEAVING' } })
})

test('who follows something is not waited for, and a request that hangs only so long', async () => {
  const following = fetch(`${url}/aem/jobs/1/events?from=1&follow=true`)
  await asked(1)
  await intake.idle(60_000)
  const hanging = fetch(`${url}/find`, { method: 'POST' })
  await asked(2)
  await intake.idle(10)
  expect(intake.underWayCount).toBe(1)
  for (const answer of answers) answer()
  await Promise.all([following, hanging])
})

test('a client that goes away is under way no more', async () => {
  const gone = new AbortController()
  const reply = fetch(`${url}/find`, { method: 'POST', signal: gone.signal })
  await asked(1)
  gone.abort()
  await expect(reply).rejects.toThrow()
  await intake.idle(60_000)
  expect(intake.underWayCount).toBe(0)
})
