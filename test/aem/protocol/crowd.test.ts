import { expect, test } from 'vitest'
import { publicEvent, type JobId } from '../../../aem/protocol/index.ts'
import { encode } from '../../../node/codec/index.ts'
import { EVENT_BYTES_MAX, TOPICS, TOPICS_COUNT, topicOf } from '../../../node/net/topics.ts'
import type { Plain } from '../../../overlay/index.ts'
import { JobGrid, USER } from './job-grid.ts'
import { FINALLY } from './promises.ts'

/** As many as a busy grid has: 1,000 jobs of 10 users on 20 nodes, each of them watched by one node, over pub/sub that loses and doubles. */

const NODE_COUNT = 20
const USERS = [...'ABCDEFGHJK'].map((letter) => USER.slice(0, -1) + letter)
const JOB_COUNT = 1_000
const SEED = Number(process.env['ROOST_SEED'] ?? 20_261)

/** What gossipsub keeps for a peer, by its own count: the length of each topic and so much beside it (17.1.1). */
const TOPIC_BYTES_MAX = 1_048_576
const TOPIC_ENTRY_BYTES = 1_024

test('a thousand jobs of ten users are watched to their ends, with no event lost or doubled', async () => {
  const grid = new JobGrid({ seed: SEED, machineCount: NODE_COUNT, cores: 8, lossShare: 0.05, duplicateShare: 0.05 })
  await grid.sim.run(100)
  // From the start, late, with a connection that breaks again and again, and both.
  const ways = [{}, { lateMs: 5_000 }, { cutMs: 700 }, { lateMs: 400, cutMs: 300 }]
  const ids: JobId[] = []
  while (ids.length < JOB_COUNT) {
    for (const user of USERS) {
      const index = ids.length
      const description = { run: `exit ${index % 3} after ${100 + (index % 900)}`, name: `job ${index}` }
      const how = { ...ways[index % ways.length], watched: true, user }
      ids.push(grid.submit(grid.ids[index % NODE_COUNT]!, description, how))
    }
    await grid.sim.run(100)
  }
  const [victim] = grid.ids
  grid.crash(victim!)
  await grid.sim.run(5_000)
  grid.restart(victim!)
  await grid.sim.run(90_000)

  for (const [name, check] of Object.entries(FINALLY)) expect([name, check(grid)]).toEqual([name, undefined])
  // A few were refused: disks fail there, too.
  const taken = ids.filter((id) => grid.acknowledged.has(id))
  expect(taken.length).toBeGreaterThan(0.9 * JOB_COUNT)
  expect(new Set(taken.map((id) => grid.view(id)!.owner)).size).toBe(USERS.length)
  let eventCount = 0
  let bytesMax = 0
  for (const id of taken) {
    const log = grid.machines.get(grid.acknowledged.get(id)!)!.jobLogs.get(id)!.map(publicEvent)
    expect(grid.feeds.get(id)).toEqual(log)
    eventCount += log.length
    for (const event of log) bytesMax = Math.max(bytesMax, encode([`job:${id}`, event] as Plain).length)
  }
  const topics = new Set(taken.map((id) => topicOf(`job:${id}`)))
  console.log(`${eventCount} events, the longest of ${bytesMax} bytes, over ${topics.size} topics`)
  expect(bytesMax).toBeLessThan(EVENT_BYTES_MAX)
  expect([...topics].every((topic) => TOPICS.includes(topic))).toBe(true)
})

test('all topics together take less than a tenth of what a peer is kept for', () => {
  const bytes = TOPICS.reduce((sum, topic) => sum + topic.length + TOPIC_ENTRY_BYTES, 0)
  expect(TOPICS).toHaveLength(TOPICS_COUNT)
  expect(bytes).toBeLessThan(TOPIC_BYTES_MAX / 10)
})
