import { afterEach, describe, expect, test } from 'vitest'
import type { Host, Log, Plugin, RunningPlugin } from '../../../overlay/contract/index.ts'
import { PluginHost, type MakeHost } from '../../../node/host/index.ts'

let happened: string[] = []
afterEach(() => {
  happened = []
})

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** What stands behind the host is none of the plugin host's business; here it is what the plugin reads in these tests. */
const makeHost: MakeHost = async (plugin, service) => ({
  host: { service } as unknown as Host,
  release: async () => void happened.push(`release ${plugin.name}`),
})

interface Toy {
  name: string
  needs?: string[]
  provides?: string[]
  start?(host: Host): Promise<Partial<RunningPlugin>>
}

function toy({ name, needs = [], provides = [], start }: Toy): Plugin {
  return {
    name,
    version: '1.0.0',
    needs,
    provides,
    async start(host) {
      happened.push(`start ${name}`)
      const stop = async () => void happened.push(`stop ${name}`)
      return {
        services: Object.fromEntries(provides.map((service) => [service, `${service} of ${name}`])),
        stop,
        ...(await start?.(host)),
      }
    },
  }
}

function makePluginHost(): PluginHost {
  return new PluginHost({ makeHost, log })
}

describe('order', () => {
  test('starts a plugin after those whose services it needs, and stops in reverse', async () => {
    const plugins = makePluginHost()
    await plugins.start([
      toy({ name: 'c', needs: ['b'] }),
      toy({ name: 'b', needs: ['a'], provides: ['b'] }),
      toy({ name: 'a', provides: ['a'] }),
    ])
    await plugins.stop()
    expect(happened.filter((line) => !line.startsWith('release'))).toEqual([
      'start a',
      'start b',
      'start c',
      'stop c',
      'stop b',
      'stop a',
    ])
  })

  test('a circle of needs starts none of its members, and says whom they wait for', async () => {
    const plugins = makePluginHost()
    await plugins.start([
      toy({ name: 'a', needs: ['b'], provides: ['a'] }),
      toy({ name: 'b', needs: ['a'], provides: ['b'] }),
      toy({ name: 'c' }),
    ])
    expect(happened).toEqual(['start c'])
    expect(plugins.failure('a')?.message).toContain('of b')
    expect(plugins.states().map(({ name, state }) => `${name} ${state}`)).toContain('c running')
  })

  test('two plugins that provide one service: the second is refused', async () => {
    const plugins = makePluginHost()
    await plugins.start([toy({ name: 'a', provides: ['s'] }), toy({ name: 'b', provides: ['s'] })])
    expect(plugins.failure('a')).toBeUndefined()
    expect(plugins.failure('b')?.message).toContain('a provides s already')
  })
})

describe('failure', () => {
  const broken = toy({ name: 'broken', provides: ['s'], start: () => Promise.reject(new Error('no such device')) })

  test('a failed start is that plugin’s error: what it had mounted is released, the others run, and stop in reverse', async () => {
    const plugins = makePluginHost()
    await plugins.start([toy({ name: 'a' }), broken, toy({ name: 'z' })])
    expect(plugins.states().map(({ name, state, error }) => [name, state, error?.code])).toEqual([
      ['a', 'running', undefined],
      ['broken', 'failed', 'PLUGIN_FAILED'],
      ['z', 'running', undefined],
    ])
    expect(plugins.failure('broken')?.message).toContain('no such device')
    expect(happened).toContain('release broken')
    await plugins.stop()
    expect(happened.slice(-4)).toEqual(['stop z', 'release z', 'stop a', 'release a'])
  })

  test('who needs a plugin that failed fails with the name of what is missing', async () => {
    const plugins = makePluginHost()
    await plugins.start([broken, toy({ name: 'user', needs: ['s'] })])
    expect(plugins.failure('user')?.message).toContain('needs s')
    expect(happened).not.toContain('start user')
  })

  test('a plugin that does not provide what it promised is stopped again', async () => {
    const plugins = makePluginHost()
    await plugins.start([toy({ name: 'liar', provides: ['s'], start: async () => ({ services: {} }) })])
    expect(plugins.failure('liar')?.message).toContain('does not provide')
    expect(happened).toEqual(['start liar', 'stop liar', 'release liar'])
  })

  test('a plugin that throws while it stops keeps nobody else from stopping', async () => {
    const plugins = makePluginHost()
    await plugins.start([
      toy({ name: 'a' }),
      toy({ name: 'b', start: async () => ({ stop: () => Promise.reject(new Error('stuck')) }) }),
    ])
    await plugins.stop()
    expect(happened).toEqual(['start a', 'start b', 'release b', 'stop a', 'release a'])
  })
})

test('a service reaches those who declared that they need it, and nobody else', async () => {
  const seen: unknown[] = []
  const plugins = makePluginHost()
  await plugins.start([
    toy({ name: 'a', provides: ['s'] }),
    toy({ name: 'b', needs: ['s'], start: async (host) => (seen.push(host.service('s')), {}) }),
    toy({ name: 'c', start: async (host) => (host.service('s'), {}) }),
  ])
  expect(seen).toEqual(['s of a'])
  expect(plugins.failure('c')?.message).toContain('not among its needs')
})
