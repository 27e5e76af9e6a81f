import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { EVENT_BYTES_MAX, TOPICS, topicOf } from '../../../node/net/topics.ts'
import { TestGrid, until } from './grid.ts'

const grid = new TestGrid()
afterEach(() => grid.stop())

describe('events', () => {
  test('reach every subscriber with the name of the node that published them', async () => {
    const [first, second, third] = await grid.addConnected(3)
    const heard: [string, unknown][] = []
    for (const { network } of [first!, third!])
      network.events.subscribe('job-1', { near: second!.network.self }, (from, event) => heard.push([from, event]))
    await until('all', async () => {
      heard.length = 0
      await second!.network.events.publish('job-1', { state: 'running', units: 3 })
      await sleep(100)
      return heard.length === 2
    })
    for (const entry of heard) expect(entry).toEqual([second!.network.self, { state: 'running', units: 3 }])
  })

  test('reach a subscriber that came late and knows the publisher by name alone', async () => {
    const [hub, publisher] = await grid.addConnected(2)
    await publisher!.network.events.publish('job-2', 'nobody hears this')
    const late = await grid.add()
    const heard: unknown[] = []
    late.network.events.subscribe('job-2', { near: publisher!.network.self }, (_, event) => heard.push(event))
    await until('an event', async () => {
      await publisher!.network.events.publish('job-2', 'news')
      return heard.length > 0
    })
    expect(new Set(heard)).toEqual(new Set(['news']))
    expect(late.network.connected()).toContain(publisher!.network.self)
    expect(hub!.network.metrics()['events_delivered']).toBeUndefined()
  })

  test('reach a subscriber on the same node, with nobody else there', async () => {
    const { network } = await grid.add()
    const heard: unknown[] = []
    network.events.subscribe('key', {}, (from, event) => heard.push([from, event]))
    await network.events.publish('key', { count: 1 })
    await until('the event', () => heard.length === 1)
    expect(heard).toEqual([[network.self, { count: 1 }]])
  })

  test('of another key on the same topic are not heard', async () => {
    const { network } = await grid.add()
    const other = Array.from({ length: 1_000 }, (_, index) => `key-${index}`).find(
      (key) => topicOf(key) === topicOf('key'),
    )!
    const heard: unknown[] = []
    network.events.subscribe('key', {}, (_, event) => heard.push(event))
    await network.events.publish(other, 'not for you')
    await network.events.publish('key', 'for you')
    await until('the event', () => heard.length === 1)
    expect(heard).toEqual(['for you'])
  })

  test('are no longer heard after stopping, by that listener alone', async () => {
    const { network } = await grid.add()
    const heard: string[] = []
    const listener = (): void => void heard.push('x')
    const [stopFirst, stopSecond] = [
      network.events.subscribe('key', {}, listener),
      network.events.subscribe('key', {}, listener),
    ]
    stopFirst()
    stopFirst()
    await network.events.publish('key', 1)
    await sleep(20)
    expect(heard.length).toBe(1)
    stopSecond()
    await network.events.publish('key', 1)
    await sleep(20)
    expect(heard.length).toBe(1)
    expect(network.metrics()['event_subscriptions_count']).toBe(0)
  })

  test('beyond the bound are refused', async () => {
    const { network } = await grid.add()
    const event = 'x'.repeat(EVENT_BYTES_MAX)
    await expect(network.events.publish('key', event)).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
  })

  test('and a listener that throws do not disturb the others', async () => {
    const { network, log } = await grid.add()
    const heard: unknown[] = []
    network.events.subscribe('key', {}, () => {
      throw new Error('a mistake')
    })
    network.events.subscribe('key', {}, (_, event) => heard.push(event))
    await network.events.publish('key', 1)
    await until('the event', () => heard.length === 1)
    expect(log.lines.map(({ message }) => message)).toEqual(['a listener of events failed'])
  })
})

test('keys are spread over the topics', () => {
  const used = new Set(Array.from({ length: 2_000 }, (_, index) => topicOf(`job-${index}`)))
  expect(used).toEqual(new Set(TOPICS))
})
