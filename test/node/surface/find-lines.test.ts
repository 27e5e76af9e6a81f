import { describe, expect, test } from 'vitest'
import type { Caller, Log } from '../../../overlay/contract/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import { findStream, type FindNews } from '../../../node/client/index.ts'
import {
  createSurface,
  type ApplicationSurface,
  MetricsRegistry,
  type Core,
  type FindReply,
  type FoundNode,
} from '../../../node/surface/index.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const local: Caller = { via: 'socket' }

const nodeOf = (name: string): FoundNode => ({ id: `id-${name}`, name, rank: 0, attributes: { Cores: 4 } })
const REST: Pick<FindReply, 'rejected' | 'explanation'> = {
  rejected: { static: 1, dynamic: 2, silent: 3 },
  explanation: {
    boxes: ['Cores >= 4'],
    grouping: ['Cores', 'Os'],
    cellCount: 2,
    contactCount: 3,
    roundTripCount: 1,
    heldCount: 4,
    failedCount: 0,
    consideredCount: 8,
    ruledOutCount: 1,
    askedCount: 7,
    confirmedCount: 2,
    unfitCount: 2,
    silentCount: 3,
    elapsedMs: 12,
    complete: true,
    reason: 'nobody-left',
  },
}

/** The surface over a core whose search is played by the test. */
function surfaceWith(find: Core['find']): (body: unknown, lines: boolean, signal?: AbortSignal) => Promise<Response> {
  const surface = createSurface({
    core: { find } as Partial<Core> as Core,
    applications: {} as ApplicationSurface,
    plugins: { running: () => undefined, failure: () => undefined, all: () => [] },
    metrics: new MetricsRegistry(),
    version: '0',
    log,
  })
  return (body, lines, signal) => {
    const headers = { 'content-type': 'application/json', ...(lines && { accept: 'application/x-ndjson' }) }
    const init = { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) }
    return surface(new Request('http://roost/find', init), local)
  }
}

const linesOf = async (response: Response): Promise<any[]> =>
  (await response.text())
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe('POST /find', () => {
  test('answers with one document, or with a line for each node and one for the rest', async () => {
    const ask = surfaceWith(async (request, _signal, onNode) => {
      expect(request).toEqual({ where: 'true', count: 20, timeoutMs: 5_000 })
      const nodes = [nodeOf('a'), nodeOf('b')]
      for (const node of nodes) onNode?.(node)
      return { nodes, ...REST }
    })
    expect(await (await ask({ where: 'true' }, false)).json()).toEqual({ nodes: [nodeOf('a'), nodeOf('b')], ...REST })
    const response = await ask({ where: 'true' }, true)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(await linesOf(response)).toEqual([
      { type: 'node', ...nodeOf('a') },
      { type: 'node', ...nodeOf('b') },
      { type: 'end', ...REST },
    ])
  })

  test('gives a line while the search goes on', async () => {
    const goOn = Promise.withResolvers<void>()
    const ask = surfaceWith(async (_request, _signal, onNode) => {
      onNode!(nodeOf('a'))
      await goOn.promise
      return { nodes: [nodeOf('a')], ...REST }
    })
    const reader = (await ask({ where: 'true' }, true)).body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"name":"a"')
    goOn.resolve()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"type":"end"')
    expect((await reader.read()).done).toBe(true)
  })

  test('answers for what fails before the first line with a status, and later with a last line', async () => {
    const failure = new RoostError('EXPRESSION_MALFORMED', 'no', { line: 1, column: 3 })
    const early = await surfaceWith(() => Promise.reject(failure))({ where: '(' }, true)
    expect(early.status).toBe(400)
    expect(await early.json()).toMatchObject({ error: { code: 'EXPRESSION_MALFORMED', column: 3 } })
    const late = await surfaceWith(async (_request, _signal, onNode) => {
      onNode!(nodeOf('a'))
      throw new RoostError('CANCELLED', 'the daemon stops')
    })({ where: 'true' }, true)
    expect(late.status).toBe(200)
    expect(await linesOf(late)).toMatchObject([{ type: 'node' }, { type: 'error', error: { code: 'CANCELLED' } }])
  })

  test.each([['a reader that goes away'], ['a request that is aborted']])('%s ends the search', async (how) => {
    const ended = Promise.withResolvers<void>()
    const ask = surfaceWith((_request, signal, onNode) => {
      signal.addEventListener('abort', () => ended.resolve())
      onNode!(nodeOf('a'))
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))))
    })
    const request = new AbortController()
    const response = await ask({ where: 'true' }, true, request.signal)
    if (how.startsWith('a reader')) await response.body!.cancel()
    else request.abort()
    await ended.promise
  })
})

describe('the client', () => {
  const fetchOf = (text: string) => async (): Promise<Response> => new Response(text)
  const read = async (text: string): Promise<FindNews[]> => {
    const news: FindNews[] = []
    for await (const line of findStream(fetchOf(text), { where: 'true' })) news.push(line)
    return news
  }
  const node = JSON.stringify({ type: 'node', ...nodeOf('a') })

  test('gives nodes and the end', async () => {
    expect(await read(`${node}\n${JSON.stringify({ type: 'end', ...REST })}\n`)).toMatchObject([
      { type: 'node', name: 'a' },
      { type: 'end', explanation: { cellCount: 2 } },
    ])
  })

  test('throws what the last line says, and where there is none', async () => {
    const error = { type: 'error', error: new RoostError('BUSY', 'too much').toJSON() }
    await expect(read(`${node}\n${JSON.stringify(error)}\n`)).rejects.toMatchObject({ code: 'BUSY' })
    await expect(read(`${node}\n`)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await expect(read('')).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })
})
