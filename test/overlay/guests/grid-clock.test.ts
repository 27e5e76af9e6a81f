import { describe, expect, test } from 'vitest'
import { GridClock } from '../../../overlay/guests/grid-clock.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const HOUR_MS = 3_600_000
const peers = peerIds(20)

describe('the time of the grid', () => {
  test('is our own while few have said anything', () => {
    const clock = new GridClock()
    const env = new HandEnv('self')
    for (const peer of peers.slice(0, 4)) clock.note(peer, env.wallMs + HOUR_MS, env)
    expect(clock.wallMs(env)).toBe(env.wallMs)
  })

  test('is what most say where our own is hours off', () => {
    const clock = new GridClock()
    const env = new HandEnv('self')
    for (const [index, peer] of peers.entries()) clock.note(peer, env.wallMs + 5 * HOUR_MS + index, env)
    expect(Math.abs(clock.wallMs(env) - env.wallMs - 5 * HOUR_MS)).toBeLessThan(20)
  })

  test('is not what a few liars say, however often they say it', () => {
    const clock = new GridClock()
    const env = new HandEnv('self')
    for (const peer of peers.slice(0, 10)) clock.note(peer, env.wallMs, env)
    for (let round = 0; round < 50; round++)
      for (const peer of peers.slice(10, 15)) clock.note(peer, env.wallMs + HOUR_MS, env)
    expect(clock.wallMs(env)).toBe(env.wallMs)
  })
})
