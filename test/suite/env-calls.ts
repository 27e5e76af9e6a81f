import { expect, test } from 'vitest'
import type { CallEnv, PeerId } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'
import {
  addProbe,
  deliver,
  lawlessQuestionWire,
  NOTE_BYTES_MAX,
  questionWire,
  type Answer,
  type Question,
} from './env-probe.ts'
import type { EnvWorld, RunningNode } from './env.ts'

type Asking = CallEnv<Question, Answer>

const PATIENT = { timeoutMs: 5_000 }

/** What a conversation may rely on: call, sleep, and the answering side. */
export function callPromises(world: () => EnvWorld): void {
  test('a request is answered by the peer that was asked, which knows who asks', async () => {
    const asked: PeerId[] = []
    const server = await addServer(world(), (from, { text }) => {
      asked.push(from)
      return { text: `re: ${text}` }
    })
    const client = await addClient(world())
    expect(await settled(world(), client.env.call(server.id, { text: 'why' }, PATIENT))).toEqual({ text: 're: why' })
    expect(asked.length).toBeGreaterThan(0)
    for (const from of asked) expect(from).toBe(client.node.id)
  })

  test('an answer may take its time, and sleep itself', async () => {
    const server = await addServer(world(), async (_, { text }, env) => {
      await env.sleep(50)
      return { text: `late ${text}` }
    })
    const client = await addClient(world())
    const startedMs = client.env.nowMs
    expect(await settled(world(), client.env.call(server.id, { text: 'x' }, PATIENT))).toEqual({ text: 'late x' })
    expect(client.env.nowMs - startedMs).toBeGreaterThanOrEqual(50)
  })

  test('many calls at once are each given their own answer, whatever the order of the answers', async () => {
    const server = await addServer(world(), async (_, { text }, env) => {
      await env.sleep(10 * (9 - Number(text)))
      return { text }
    })
    const client = await addClient(world())
    const order: string[] = []
    const calls = Array.from({ length: 10 }, async (_, index) => {
      const reply = await client.env.call(server.id, { text: String(index) }, PATIENT)
      order.push(reply.text)
      return reply.text
    })
    expect(await settled(world(), Promise.all(calls))).toEqual(calls.map((_, index) => String(index)))
    expect(order[0]).not.toBe('0')
  })

  test("the other side's error arrives with its code, words, certainty and data", async () => {
    const server = await addServer(world(), () => {
      throw new RoostError('JOB_NOT_FOUND', 'no job 7 here', { data: { job: '7', tried: 3 }, certain: false })
    })
    const client = await addClient(world())
    expect(await failure(world(), client.env.call(server.id, { text: 'x' }, PATIENT))).toMatchObject({
      code: 'JOB_NOT_FOUND',
      message: 'no job 7 here',
      certain: false,
      data: { job: '7', tried: 3 },
    })
  })

  test('a mistake of the other side arrives as INTERNAL, and the other side goes on', async () => {
    const server = await addServer(world(), async (_, { text }) => {
      if (text === 'bad') throw new TypeError('undefined is not a function')
      return { text }
    })
    const client = await addClient(world())
    const failed = await failure(world(), client.env.call(server.id, { text: 'bad' }, PATIENT))
    expect(failed).toMatchObject({ code: 'INTERNAL', certain: false })
    expect(await settled(world(), client.env.call(server.id, { text: 'good' }, PATIENT))).toEqual({ text: 'good' })
  })

  test('a peer that nobody has is PEER_UNREACHABLE, and it is certain that nothing happened', async () => {
    const client = await addClient(world())
    const failed = await failure(world(), client.env.call(world().stranger(), { text: 'x' }, PATIENT))
    expect(failed).toMatchObject({ code: 'PEER_UNREACHABLE', certain: true })
  })

  test('a peer that is gone is PEER_UNREACHABLE', async () => {
    const server = await addServer(world(), (_, { text }) => ({ text }))
    const client = await addClient(world())
    await settled(world(), client.env.call(server.id, { text: 'x' }, PATIENT))
    await server.node.crash()
    await world().advance(500)
    const failed = await failure(world(), client.env.call(server.id, { text: 'x' }, PATIENT))
    expect(failed).toMatchObject({ code: 'PEER_UNREACHABLE', certain: true })
  })

  test('an answer that does not come in time is CALL_TIMEOUT, uncertain, not before its time', async () => {
    const server = await addServer(world(), (_, { text }) =>
      text === 'ready' ? { text } : new Promise<Answer>(() => {}),
    )
    const client = await addClient(world())
    // A way to the other must be there first: who cannot be reached in time is another story.
    await settled(world(), client.env.call(server.id, { text: 'ready' }, PATIENT))
    const startedMs = client.env.nowMs
    const failed = await failure(world(), client.env.call(server.id, { text: 'x' }, { timeoutMs: 200 }))
    expect(failed).toMatchObject({ code: 'CALL_TIMEOUT', certain: false })
    expect(client.env.nowMs - startedMs).toBeGreaterThanOrEqual(200)
  })

  test('an answer that comes after the time is over disturbs nothing', async () => {
    const server = await addServer(world(), async (_, { text }, env) => {
      if (text === 'slow') await env.sleep(300)
      return { text }
    })
    const client = await addClient(world())
    await failure(world(), client.env.call(server.id, { text: 'slow' }, { timeoutMs: 100 }))
    await world().advance(400)
    expect(await settled(world(), client.env.call(server.id, { text: 'quick' }, PATIENT))).toEqual({ text: 'quick' })
  })

  test('a peer that dies with the question leaves the caller uncertain', async () => {
    let asked = false
    const server = await addServer(world(), () => {
      asked = true
      return new Promise<Answer>(() => {})
    })
    const client = await addClient(world())
    const call = watch(client.env.call(server.id, { text: 'x' }, PATIENT))
    await world().until(() => asked)
    await server.node.crash()
    const failed = await failure(world(), call)
    expect(['CONNECTION_LOST', 'CALL_TIMEOUT']).toContain(failed.code)
    expect(failed.certain).toBe(false)
  })

  test('an aborted call is CANCELLED at once, uncertain; its late answer disturbs nothing', async () => {
    let asked = false
    const server = await addServer(world(), async (_, { text }, env) => {
      asked = true
      await env.sleep(100)
      return { text }
    })
    const client = await addClient(world())
    const controller = new AbortController()
    const call = watch(client.env.call(server.id, { text: 'x' }, { timeoutMs: 60_000, signal: controller.signal }))
    await world().until(() => asked)
    controller.abort()
    expect(await failure(world(), call)).toMatchObject({ code: 'CANCELLED', certain: false })
    await world().advance(200)
    expect(await settled(world(), client.env.call(server.id, { text: 'y' }, PATIENT))).toEqual({ text: 'y' })
  })

  test('a call whose signal was aborted before is CANCELLED', async () => {
    const server = await addServer(world(), (_, { text }) => ({ text }))
    const client = await addClient(world())
    const call = client.env.call(server.id, { text: 'x' }, { timeoutMs: 60_000, signal: AbortSignal.abort() })
    expect(await failure(world(), call)).toMatchObject({ code: 'CANCELLED' })
  })

  test('a conversation that the other side does not hold is PROTOCOL_UNKNOWN', async () => {
    const mute = await world().addNode(() => {})
    const client = await addClient(world())
    expect(await failure(world(), client.env.call(mute.id, { text: 'x' }, PATIENT))).toMatchObject({
      code: 'PROTOCOL_UNKNOWN',
      certain: true,
    })
  })

  test('a request beyond its bound is MESSAGE_TOO_LARGE, certain, and nothing else is disturbed', async () => {
    const server = await addServer(world(), async (_, { text }, env) => {
      await env.sleep(50)
      return { text }
    })
    const client = await addClient(world())
    const open = watch(client.env.call(server.id, { text: 'open' }, PATIENT))
    const failed = await failure(
      world(),
      client.env.call(server.id, { text: 'x'.repeat(NOTE_BYTES_MAX) }, { timeoutMs: 60_000 }),
    )
    expect(failed).toMatchObject({ code: 'MESSAGE_TOO_LARGE', certain: true })
    expect(await settled(world(), open)).toEqual({ text: 'open' })
  })

  test('a request beyond the bound of the other side is refused there, and nothing else is disturbed', async () => {
    const texts: string[] = []
    const server = await addServer(world(), (_, { text }) => {
      texts.push(text)
      return { text }
    })
    const outlaw = await addLawlessClient(world())
    const request = { text: 'x'.repeat(NOTE_BYTES_MAX + 1) }
    await failure(world(), outlaw.env.call(server.id, request, { timeoutMs: 500 }))
    expect(await settled(world(), outlaw.env.call(server.id, { text: 'short' }, PATIENT))).toEqual({ text: 'short' })
    expect(new Set(texts)).toEqual(new Set(['short']))
  })

  test('an answer beyond its bound is MESSAGE_TOO_LARGE at the caller', async () => {
    const server = await addServer(world(), (_, { text }) => ({ text: text === 'long' ? 'x'.repeat(9_999) : text }))
    const client = await addClient(world())
    const failed = await failure(world(), client.env.call(server.id, { text: 'long' }, PATIENT))
    expect(failed.code).toBe('MESSAGE_TOO_LARGE')
    expect(await settled(world(), client.env.call(server.id, { text: 'short' }, PATIENT))).toEqual({ text: 'short' })
  })

  test('a request that cannot be parsed never reaches the service, and its sender is told', async () => {
    let askedCount = 0
    const server = await addServer(world(), (_, { text }) => {
      askedCount++
      return { text }
    })
    const outlaw = await addLawlessClient(world())
    for (const garbage of [null, 7, [], { text: 7 }, new Uint8Array(3)]) {
      const failed = await failure(world(), outlaw.env.call(server.id, garbage, PATIENT))
      expect(failed.code).toBe('MESSAGE_MALFORMED')
    }
    expect(askedCount).toBe(0)
  })

  test('an answer that cannot be parsed is MESSAGE_MALFORMED at the caller', async () => {
    const outlaw = await world().addNode((node) => {
      node.serve(lawlessQuestionWire, { answer: () => ({ words: 'none of yours' }) })
    })
    const client = await addClient(world())
    const failed = await failure(world(), client.env.call(outlaw.id, { text: 'x' }, PATIENT))
    expect(failed.code).toBe('MESSAGE_MALFORMED')
  })

  test('sleep resolves after its time, never before', async () => {
    const client = await addClient(world())
    const startedMs = client.env.nowMs
    await settled(world(), client.env.sleep(80))
    expect(client.env.nowMs - startedMs).toBeGreaterThanOrEqual(80)
  })

  test('stopping a node cancels its sleeps and calls, and leaves the others their conversations', async () => {
    const server = await addServer(world(), async (_, { text }, env) => {
      await env.sleep(150)
      return { text }
    })
    const [leaving, staying] = [await addClient(world()), await addClient(world())]
    const sleep = watch(leaving.env.sleep(60_000))
    const call = watch(leaving.env.call(server.id, { text: 'mine' }, PATIENT))
    const other = watch(staying.env.call(server.id, { text: 'theirs' }, PATIENT))
    await leaving.node.stop()
    expect((await failure(world(), sleep)).code).toBe('CANCELLED')
    expect(await failure(world(), call)).toMatchObject({ code: 'CANCELLED', certain: false })
    expect(await settled(world(), other)).toEqual({ text: 'theirs' })
  })

  test('a stopped node neither calls nor sleeps any more', async () => {
    const server = await addServer(world(), (_, { text }) => ({ text }))
    const client = await addClient(world())
    await client.node.stop()
    expect((await failure(world(), client.env.call(server.id, { text: 'x' }, PATIENT))).code).toBe('CANCELLED')
    expect((await failure(world(), client.env.sleep(10))).code).toBe('CANCELLED')
  })

  test('conversations and messages share a node', async () => {
    const ada = await addProbe(world())
    let env: Asking | undefined
    const both = await addProbe(world(), (node) => {
      env = node.serve(questionWire, { answer: (_, { text }) => ({ text }) })
    })
    const client = await addClient(world())
    expect(await settled(world(), client.env.call(both.id, { text: 'x' }, PATIENT))).toEqual({ text: 'x' })
    await deliver(world(), ada.probe.env, both, 'hello')
    expect(env!.self).toBe(both.id)
  })
}

interface RunningClient<Request, Reply> {
  readonly node: RunningNode
  readonly env: CallEnv<Request, Reply>
}

async function addServer(
  world: EnvWorld,
  answer: (from: PeerId, request: Question, env: Asking) => Answer | Promise<Answer>,
): Promise<{ node: RunningNode; id: PeerId }> {
  const node = await world.addNode((mounting) => {
    const env: Asking = mounting.serve(questionWire, { answer: (from, request) => answer(from, request, env) })
  })
  return { node, id: node.id }
}

async function addClient(world: EnvWorld): Promise<RunningClient<Question, Answer>> {
  let env: Asking | undefined
  const node = await world.addNode((mounting) => {
    env = mounting.serve(questionWire, { answer: (_, { text }) => ({ text }) })
  })
  return { node, env: env! }
}

async function addLawlessClient(world: EnvWorld): Promise<RunningClient<unknown, unknown>> {
  let env: CallEnv<unknown, unknown> | undefined
  const node = await world.addNode((mounting) => {
    env = mounting.serve(lawlessQuestionWire, { answer: (_, request) => request })
  })
  return { node, env: env! }
}

/** How a promise ends, heard from its beginning. */
interface Watched<Value> {
  outcome: { readonly value: Value } | { readonly thrown: unknown } | undefined
}

function watch<Value>(promise: Promise<Value>): Watched<Value> {
  const watched: Watched<Value> = { outcome: undefined }
  promise.then(
    (value) => (watched.outcome = { value }),
    (thrown: unknown) => (watched.outcome = { thrown }),
  )
  return watched
}

/** Lets time pass until the promise has settled. */
async function settled<Value>(world: EnvWorld, promise: Promise<Value> | Watched<Value>): Promise<Value> {
  const watched = promise instanceof Promise ? watch(promise) : promise
  await world.until(() => watched.outcome !== undefined)
  const outcome = watched.outcome!
  if ('thrown' in outcome) throw outcome.thrown
  return outcome.value
}

/** The `RoostError` that the promise is rejected with. */
async function failure(world: EnvWorld, promise: Promise<unknown> | Watched<unknown>): Promise<RoostError> {
  const error = await settled(world, promise).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(RoostError)
  return error as RoostError
}
