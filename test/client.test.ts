import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type RoostClient } from '../client.ts'
import { Machine } from './support/machine.ts'

/** What programs write against: the typed client, with a real daemon behind it. */

let machine: Machine
let client: RoostClient
beforeAll(async () => {
  machine = new Machine({ ROOST_NAME: 'here' })
  await machine.up()
  client = await connect({ dataDir: machine.dataDir, userDir: machine.userDir })
})
afterAll(() => machine.end())

test('core routes are typed by the code of the daemon', async () => {
  const { nodes } = await (await client.core.nodes.$get()).json()
  expect(nodes.map((node) => node.name)).toEqual(['here'])
  const found = await (await client.core.find.$post({ json: { where: 'Cores >= 1' } })).json()
  expect(found.nodes).toHaveLength(1)
})

test('a search gives nodes as they answer, and at last how it went', async () => {
  const news: string[] = []
  for await (const line of client.find({ where: 'Cores >= 1' }))
    news.push(line.type === 'node' ? line.name : line.explanation.reason)
  expect(news).toEqual(['here', 'nobody-left'])
})

test('applications are published and found by the same routes', async () => {
  const { applications } = client.core
  await applications.$post({ json: { name: 'web', endpoints: ['tcp://127.0.0.1:80'], attributes: { version: 2 } } })
  const found = await (await applications[':name'].$get({ param: { name: 'web' }, query: {} })).json()
  expect(found.applications).toMatchObject([{ name: 'web', attributes: { version: 2 } }])
  const some = await (await applications.find.$post({ json: { where: 'version > 2' } })).json()
  expect(some).toEqual({ applications: [], isComplete: true })
})

test('a plugin’s routes are typed in the same way', async () => {
  const { jobs } = await (await client.jobs.jobs.$get({ query: {} })).json()
  expect(jobs).toEqual([])
})

test('a failure is a typed error with code and hint', async () => {
  await expect(client.core.nodes[':id'].$get({ param: { id: 'nobody' } })).rejects.toMatchObject({
    code: 'NODE_NOT_FOUND',
  })
})

test('signs for the user', async () => {
  const signed = await client.sign('vo.invite', { ttlMs: 60_000 })
  expect(signed.statement.action).toBe('vo.invite')
})
