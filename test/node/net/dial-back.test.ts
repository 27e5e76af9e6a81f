import { expect, test } from 'vitest'
import {
  DIAL_BACKS_COUNT_MAX,
  DIAL_BACK_PAUSE_MS,
  DIAL_BACK_PORTS_COUNT_MAX,
  DialBack,
  dialBackWire,
} from '../../../node/net/dial-back.ts'

function made(hostOf: (peer: string) => string | undefined = () => '192.0.2.7') {
  const dialed: string[] = []
  const waiting: ((answers: boolean) => void)[] = []
  const clock = { nowMs: 0 }
  const service = new DialBack({
    nowMs: () => clock.nowMs,
    hostOf,
    answersAt: (peer, host, port) => {
      dialed.push(`${peer} ${host} ${port}`)
      return new Promise((resolve) => waiting.push(resolve))
    },
  })
  return { service, dialed, waiting, clock }
}

test('dials the asker alone, where its connection comes from, and says what answered', async () => {
  const { service, dialed, waiting } = made()
  const reply = service.answer('asker', { ports: [7667, 7667] })
  waiting[0]!(true)
  expect(await reply).toEqual({ host: '192.0.2.7', open: [7667] })
  expect(dialed).toEqual(['asker 192.0.2.7 7667'])
})

test('refuses who has no direct connection', async () => {
  const { service, dialed } = made(() => undefined)
  await expect(service.answer('asker', { ports: [1] })).rejects.toMatchObject({ code: 'BUSY' })
  expect(dialed).toEqual([])
})

test('answers a node again only after a pause, and only so many at once', async () => {
  const { service, waiting, clock } = made()
  void service.answer('n0', { ports: [1] })
  await expect(service.answer('n0', { ports: [1] })).rejects.toMatchObject({ code: 'BUSY' })
  for (let index = 1; index < DIAL_BACKS_COUNT_MAX; index++) void service.answer(`n${index}`, { ports: [1] })
  await expect(service.answer('late', { ports: [1] })).rejects.toMatchObject({ code: 'BUSY' })
  waiting.forEach((answer) => answer(false))
  await Promise.resolve()
  clock.nowMs = DIAL_BACK_PAUSE_MS
  const again = service.answer('n0', { ports: [] })
  expect(await again).toMatchObject({ open: [] })
})

test('a request names ports of the asker and nothing else, and only a few', () => {
  const ports = Array.from({ length: DIAL_BACK_PORTS_COUNT_MAX + 1 }, (_, index) => index + 1)
  expect(() => dialBackWire.parseRequest({ ports })).toThrow('at most')
  expect(() => dialBackWire.parseRequest({ ports: [0] })).toThrow()
  expect(dialBackWire.parseRequest({ ports: [1], host: '192.0.2.1' })).toEqual({ ports: [1] })
})
