import { expect, test } from 'vitest'
import { parseLabel } from '../../../node/config/index.ts'

test.each([
  ['site=lyon', 'site', 'lyon'],
  ['gpu.driver=550', 'gpu.driver', 550],
  ['speed=-2.5e3', 'speed', -2500],
  ['fast=true', 'fast', true],
  ['text="550"', 'text', '550'],
  ['racks=[a, b]', 'racks', ['a', 'b']],
  ['none=[]', 'none', []],
  ['formula=a=b', 'formula', 'a=b'],
  ['empty=', 'empty', ''],
])('%s', (label, name, value) => {
  expect(parseLabel(label)).toEqual({ name, value })
})

test.each(['site', '=lyon', '9=a', 'a b=c', '', 'a..b=1', 'a.=1'])('%j is no label', (label) => {
  expect(() => parseLabel(label)).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_INVALID' }))
})
