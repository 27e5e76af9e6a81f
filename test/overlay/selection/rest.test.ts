import { expect, test } from 'vitest'
import { Rest } from '../../../overlay/selection/rest.ts'

test('what was undone rests for twice as long as the last time, once each time, and what was not as at first', () => {
  const rest = new Rest(4)
  expect(rest.isOn(0)).toBe(false)
  rest.begin(10)
  expect([rest.isOn(13), rest.isOn(14)]).toEqual([true, false])
  rest.begin(20)
  rest.undo(21)
  rest.undo(22)
  expect([rest.isOn(28), rest.isOn(29)]).toEqual([true, false])
  rest.begin(30)
  expect([rest.isOn(37), rest.isOn(38)]).toEqual([true, false])
  rest.undo(38)
  rest.begin(40)
  expect([rest.isOn(43), rest.isOn(44)]).toEqual([true, false])
})
