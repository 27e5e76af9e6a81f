import { expect, test } from 'vitest'
import { logLine } from '../../../node/daemon/log-line.ts'

test('shows what happened, then its fields', () => {
  const event = { level: 30, time: 0, msg: 'ready', grid: 'gentle-lark', addresses: ['/ip4/::1', '/ip4/::2'], alive: 2 }
  expect(logLine(event)).toBe('ready  grid=gentle-lark  addresses=/ip4/::1,/ip4/::2  alive=2')
})

test('quotes text that would run into its neighbours', () => {
  expect(logLine({ msg: 'held', reason: 'no node free', nothing: null })).toBe(
    'held  reason="no node free"  nothing=null',
  )
})

test('keeps the stack of an error', () => {
  const error = { type: 'Error', message: 'no space', stack: 'Error: no space\n    at write' }
  expect(logLine({ msg: 'failed', error })).toBe('failed  error="no space"\nError: no space\n    at write')
})
