import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTrue, evaluate, parseExpression, scopeOf, type Attributes, type Expression } from '../../../overlay/index.ts'
import { BOX_COUNT_MAX, isWithin } from '../../../overlay/placement/boxes.ts'
import { boxesOf } from '../../../overlay/placement/conditions.ts'
import { expressions } from '../classad/expressions.arbitrary.ts'
import { attributeTables, conditions } from './arbitraries.ts'

function isMatch(where: Expression, attributes: Attributes): boolean {
  const scope = scopeOf(attributes)
  return isTrue(evaluate(where, { my: scope, target: scope }))
}

function admits(where: string, attributes: Attributes): boolean {
  return boxesOf(parseExpression(where)).some((box) => isWithin(box, attributes))
}

describe('the boxes of a condition', () => {
  test('law: hold every table of attributes over which it is true', () => {
    fc.assert(
      fc.property(conditions, attributeTables, (text, attributes) => {
        if (isMatch(parseExpression(text), attributes)) expect(admits(text, attributes)).toBe(true)
      }),
      { numRuns: 8_000 },
    )
  })

  test('a name below one that is no ad is an error, which is identical to no value', () => {
    for (const where of ['gpu.driver =!= false', '!(gpu.driver =?= false)', 'gpu.driver =!= undefined'])
      expect(admits(where, { gpu: '', 'gpu.driver': false })).toBe(true)
  })

  test('law: the same for any tree at all', () => {
    const tables = fc.record(
      { a: fc.nat(3), b: fc.boolean(), Cores: fc.nat(70), 'gpu.driver': fc.nat(3) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(expressions(), tables, (where, attributes) => {
        const boxes = boxesOf(where)
        expect(boxes.length).toBeLessThanOrEqual(BOX_COUNT_MAX)
        if (isMatch(where, attributes)) expect(boxes.some((box) => isWithin(box, attributes))).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  const node = { Cores: 4, CpuSpeed: 2400, Memory: 2 ** 33, Os: 'LINUX', Site: 'lyon', fast: true, 'gpu.driver': 550 }

  test.each([
    ['Cores >= 8', false],
    ['8 <= Cores', false],
    ['Cores > 4', false],
    ['Cores > 3 && Cores < 4', false],
    ['Cores < 5 && MY.Cores > 3', true],
    ['Cores == 4 || Cores == 8', true],
    ['Cores == 8 || Site == "lille"', false],
    ['!(Cores >= 4)', false],
    ['!(Cores < 4 || Memory < 16GiB)', false],
    ['Cores != 4', false],
    ['Memory >= 4 * 1024 * 1024 * 1024 * 4', false],
    ['os == "linux"', true],
    ['os =?= "linux"', true],
    ['Os == "windows"', false],
    ['Site >= "m"', false],
    ['Site == 4', false],
    ['member(Site, { "lille", "Lyon" })', true],
    ['member(Site, { "lille", "nancy" })', false],
    ['stringListMember(Site, "lille, nancy")', false],
    ['Gpus =!= undefined', false],
    ['isUndefined(Cores)', false],
    ['!isUndefined(Gpus)', false],
    ['Gpus >= 1', false],
    ['gpu.driver >= 560', false],
    ["'gpu.driver' >= 550", true],
    ['gpu =!= undefined', true],
    ['fast', true],
    ['!fast', false],
    ['fast == 1', true],
    ['fast < 1', false],
    ['Nobody', false],
    ['GlueHostMainMemoryRAMSize >= 8192', true],
    ['GlueHostMainMemoryRAMSize > 8192', false],
    ['IndividualCPUSpeed >= 2500000000', false],
    ['false', false],
    // What says nothing about one attribute leaves everyone in.
    ['Cores * 2 >= 16', true],
    ['Cores >= Memory', true],
    ['FreeCores > 2', true],
    ['member("python", Software)', true],
    ['Cores >= 8 ? Site == "lille" : Site == "nancy"', true],
  ])('of a node with 4 cores: %s may hold: %o', (where, expected) => {
    expect(admits(where, node)).toBe(expected)
  })

  test('an integer between two doubles keeps the nearer one in', () => {
    expect(admits('rack < 9007199254740993', { rack: 2 ** 53 })).toBe(true)
    expect(admits('rack > 9007199254740995', { rack: 2 ** 53 + 4 })).toBe(true)
    expect(admits('rack != 9007199254740993', { rack: 2 ** 53 })).toBe(true)
  })

  test('many alternatives for one attribute are one box', () => {
    const where = Array.from({ length: 100 }, (_, index) => `(Os == "linux" && Cores == ${2 * index})`).join(' || ')
    const boxes = boxesOf(parseExpression(where))
    expect(boxes).toHaveLength(1)
    expect(admits(where, { Os: 'linux', Cores: 198 })).toBe(true)
    expect(admits(where, { Os: 'linux', Cores: 3 })).toBe(false)
  })

  test('more boxes than the bound become one around them all', () => {
    const parts = Array.from({ length: BOX_COUNT_MAX + 1 }, (_, index) => `(Cores == ${index} && Disk == ${index})`)
    const boxes = boxesOf(parseExpression(parts.join(' || ')))
    expect(boxes).toHaveLength(1)
    expect(isWithin(boxes[0]!, { Cores: 3, Disk: 5 })).toBe(true)
    expect(isWithin(boxes[0]!, { Cores: 17, Disk: 5 })).toBe(false)
  })

  test('a condition as high as conditions may be is read', () => {
    const where = Array.from({ length: 900 }, (_, index) => `Cores == ${index}`).join(' || ')
    expect(admits(where, { Cores: 899 })).toBe(true)
  })
})
