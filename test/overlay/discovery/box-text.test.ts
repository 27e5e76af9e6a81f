import { expect, test } from 'vitest'
import { parseExpression } from '../../../overlay/index.ts'
import { boxText } from '../../../overlay/discovery/box-text.ts'
import { planQuery } from '../../../overlay/placement/index.ts'

test.each([
  ['Cores >= 8 && Memory > 16GiB && Os == "LINUX"', ['Cores >= 8, Memory > 17179869184, Os = "linux"']],
  ['Cores < 8 || CORES == 12', ['Cores < 8 or Cores = 12']],
  ['Cores >= 2 && Cores <= 4.5', ['Cores >= 2 and <= 4.5']],
  ['Load < 1 || Site != "x"', ['']],
  ['Cores > 1 && Rack == 3 || Site < "b"', ['Cores > 1, rack = 3', 'Site < "b"']],
  ['isUndefined(Site)', ['Site is undefined']],
  ['Site =!= undefined', ['Site is defined']],
  ['FreeCores > 2', ['']],
  ['Rack >= 1', ['rack >= 1']],
  ['Production == true && Gpu =?= true', ['gpu = true']],
  ['Cores > 3 && Cores < 3', []],
])('says where nodes that match stand: %s', (where, expected) => {
  expect(planQuery(parseExpression(where)).boxes.map(boxText)).toEqual(expected)
})

test('is cut where a query lists very much', () => {
  const where = Array.from({ length: 100 }, (_, index) => `Site == "a-long-name-of-a-site-${index}"`).join(' || ')
  const [text] = planQuery(parseExpression(where)).boxes.map(boxText)
  expect(text!.length).toBeLessThan(500)
})
