import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Machine } from '../../support/machine.ts'

/** The smallest plugin that does everything that a plugin may, as a package that only the configuration names. */

const PLUGIN = `
export const plugin = {
  name: 'toy',
  version: '1.0.0',
  needs: [],
  provides: ['greeting'],
  commands: {
    words: { greet: 'say hello to somebody' },
    load: async () => ({
      register(program, context) {
        program.command('greet').argument('<name>').action(async (name) => {
          const response = await context.fetch('/toy/greeting/' + name)
          context.output.line((await response.json()).text)
        })
      },
    }),
  },
  async start(host) {
    const { word } = host.config
    const app = { onError() {}, notFound() {}, fetch: async (request) => {
      if (new URL(request.url).pathname === '/broken') throw new Error('a mistake of the toy')
      return Response.json({ text: word + ', ' + new URL(request.url).pathname.split('/').at(-1) })
    } }
    host.nodes.offer('toy', () => ({ Toys: 7 }))
    return { services: { greeting: () => word }, routes: { app, describe: () => ({ paths: {}, schemas: {} }) }, async stop() {} }
  },
}
`
const BROKEN = `export const plugin = { name: 'broken', version: '1.0.0', needs: ['greeting'], provides: [], start: async () => { throw new Error('no such device') } }\n`

let machine: Machine
afterEach(() => machine.end())

function addPackage(name: string, source: string): void {
  const folder = join(machine.dataDir, 'node_modules', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './index.js' }),
  )
  writeFileSync(join(folder, 'index.js'), source)
}

test('a package that the configuration names is a plugin: routes, attributes, a command; one that fails is its own error', async () => {
  machine = new Machine()
  mkdirSync(machine.dataDir, { mode: 0o700 })
  addPackage('roost-plugin-toy', PLUGIN)
  addPackage('roost-plugin-broken', BROKEN)
  const config = join(machine.home, 'config.yaml')
  writeFileSync(config, 'plugins:\n  roost-plugin-toy: { word: Hello }\n  roost-plugin-broken: {}\n')
  const withConfig = (...args: string[]): Promise<any> => machine.run('--config', config, ...args)
  await machine.up('--config', config)

  expect(await withConfig('greet', 'Ada')).toMatchObject({ status: 0, stdout: 'Hello, Ada\n' })
  expect((await withConfig('help')).stdout).toContain('say hello to somebody')
  const { nodes } = await machine.json('find', 'Toys == 7')
  expect(nodes).toHaveLength(1)

  const status = await machine.json('status')
  expect(status.plugins).toContainEqual(expect.objectContaining({ name: 'toy', state: 'running' }))
  expect(status.plugins).toContainEqual(
    expect.objectContaining({ name: 'broken', state: 'failed', error: expect.stringContaining('no such device') }),
  )
  expect(status.plugins).toContainEqual(expect.objectContaining({ name: 'aem', state: 'running' }))
})

test('a plugin that is named and not there keeps the daemon from starting, and says what to install', async () => {
  machine = new Machine()
  const config = join(machine.home, 'config.yaml')
  writeFileSync(config, 'plugins:\n  roost-plugin-missing: {}\n')
  expect(await machine.run('--config', config, 'up')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('npm install roost-plugin-missing'),
  })
})
