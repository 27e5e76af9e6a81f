import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Machine, until } from '../../support/machine.ts'

/**
 * Real daemons whose plugin asks another node for a greeting, in the versions of its protocol that the configuration gives: version 1 has a
 * name, later ones a mood as well.
 */
const PLUGIN = `
const read = (version) => (value) => ({ name: String(value.name), mood: version === 1 ? 'unsaid' : String(value.mood) })
const say = (version) => ({ name, mood }) => (version === 1 ? { name } : { name, mood })
export const plugin = {
  name: 'greeter',
  version: '1.0.0',
  needs: [],
  provides: [],
  async start(host) {
    const spoken = host.config.versions.map((version) => ({
      id: '/greeter/greet/' + version,
      parseRequest: read(version), parseReply: read(version), expressRequest: say(version), expressReply: say(version),
    }))
    const [newest, ...older] = spoken
    const env = host.serve({ ...newest, messageBytesMax: 1000, older }, { answer: (_, greeting) => greeting })
    const app = { onError() {}, notFound() {}, fetch: async (request) => {
      const peer = new URL(request.url).pathname.split('/').at(-1)
      try {
        return Response.json(await env.call(peer, { name: 'Ada', mood: 'merry' }, { timeoutMs: 10000 }))
      } catch (thrown) {
        return Response.json(thrown.toJSON())
      }
    } }
    return { routes: { app, describe: () => ({ paths: {}, schemas: {} }) }, async stop() {} }
  },
}
`

const machines: Machine[] = []
afterEach(async () => {
  await Promise.all(machines.splice(0).map((machine) => machine.end()))
})

async function nodeSpeaking(versions: readonly number[]): Promise<{ machine: Machine; id: string }> {
  const machine = new Machine({ ROOST_NAME: `n${machines.length + 1}` })
  const ticket = (await machines[0]?.json('invite'))?.ticket
  machines.push(machine)
  const folder = join(machine.home, 'node_modules', 'roost-plugin-greeter')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "roost-plugin-greeter", "type": "module", "exports": "./index.js" }',
  )
  writeFileSync(join(folder, 'index.js'), PLUGIN)
  mkdirSync(join(machine.home, '.config', 'roost'), { recursive: true })
  const config = { plugins: { aem: false, 'roost-plugin-greeter': { versions } } }
  writeFileSync(join(machine.home, '.config', 'roost', 'config.yaml'), JSON.stringify(config))
  await machine.up(...(ticket === undefined ? [] : ['--join', ticket]))
  return { machine, id: (await machine.ask('/status')).id }
}

test('daemons of neighbouring versions talk in the higher one that both know; a version that nobody knows is refused', async () => {
  const both = await nodeSpeaking([2, 1])
  const old = await nodeSpeaking([1])
  const alike = await nodeSpeaking([2, 1])
  const strange = await nodeSpeaking([9])
  for (const { machine } of [both, old, alike, strange])
    await until('all know all', async () => (await machine.ask('/status')).nodes.alive === 4)
  const greet = (from: { machine: Machine }, to: { id: string }): Promise<any> => from.machine.ask(`/greeter/${to.id}`)

  expect(await greet(both, old)).toEqual({ name: 'Ada', mood: 'unsaid' })
  expect(await greet(old, both)).toEqual({ name: 'Ada', mood: 'unsaid' })
  expect(await greet(both, alike)).toEqual({ name: 'Ada', mood: 'merry' })
  expect(await greet(both, strange)).toMatchObject({
    code: 'PROTOCOL_UNKNOWN',
    certain: true,
    message: expect.stringContaining('speaks /greeter/greet in version 9 and not in ours (versions 2 and 1)'),
  })
  expect(await greet(strange, both)).toMatchObject({ code: 'PROTOCOL_UNKNOWN' })

  const { stdout } = await both.machine.run('doctor')
  expect(stdout).toMatch(/warning +versions n4 +it speaks \/greeter\/greet in version 9/)
  expect(stdout).toContain('update roost on this machine')
  expect((await old.machine.run('doctor')).stdout).not.toContain('versions n')
})
