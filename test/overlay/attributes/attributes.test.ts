import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ATTRIBUTE_COUNT_MAX,
  ATTRIBUTE_SET_COUNT_MAX,
  ATTRIBUTES_CHARS_MAX,
  attributeOf,
  checkAttributes,
  equalAttributes,
  evaluate,
  KNOWN_ATTRIBUTES,
  ATTRIBUTE_ALIASES,
  parseExpression,
  readAttributes,
  RoostError,
  scopeOf,
  type Attributes,
  type Value,
} from '../../../overlay/index.ts'

function value(expression: string, attributes: Attributes): Value {
  return evaluate(parseExpression(expression), { my: scopeOf(attributes) })
}

describe('the table', () => {
  test('has each name once, and an alias for known names only', () => {
    const names = KNOWN_ATTRIBUTES.map(({ name }) => name.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
    for (const { alias, name } of ATTRIBUTE_ALIASES) {
      expect(names).toContain(name.toLowerCase())
      expect(names).not.toContain(alias.toLowerCase())
    }
  })
})

describe('attributeOf', () => {
  test('does not look at case', () => {
    expect(attributeOf({ Cores: 8, 'gpu.Driver': 550 }, 'cORES')).toBe(8)
    expect(attributeOf({ Cores: 8, 'gpu.Driver': 550 }, 'GPU.driver')).toBe(550)
  })

  test.each([
    ['GlueHostMainMemoryRAMSize', { Memory: 16 * 2 ** 30 + 5 }, 16_384],
    ['IndividualCPUSpeed', { CpuSpeed: 2_400 }, 2.4e9],
    ['individualphysicalmemory', { Memory: 1024 }, 1024],
    ['GlueCEStateStatus', { Production: true }, 'Production'],
    ['GlueCEStateStatus', { Production: false }, 'Draining'],
    ['GlueHostApplicationSoftwareRunTimeEnvironment', { Software: ['gcc/14'] }, ['gcc/14']],
  ])('gives %s in the unit of its standard', (alias, attributes, expected) => {
    expect(attributeOf(attributes as Attributes, alias)).toEqual(expected)
  })

  test('knows nothing of what is absent, nor of what objects have by nature', () => {
    expect(attributeOf({}, 'Cores')).toBeUndefined()
    expect(attributeOf({}, 'constructor')).toBeUndefined()
    expect(attributeOf({}, '__proto__')).toBeUndefined()
  })
})

describe('scopeOf', () => {
  test('gives integers, reals, texts and sets as expressions know them', () => {
    const attributes = { Cores: 8, CpuSpeed: 2400, Os: 'LINUX', Software: ['python/3.12'], speed: 1.5, size: 3 }
    expect(value('Cores', attributes)).toBe(8n)
    expect(value('CpuSpeed', attributes)).toBe(2400)
    expect(value('os == "linux"', attributes)).toBe(true)
    expect(value('member("python/3.12", Software)', attributes)).toBe(true)
    expect(value('size', attributes)).toBe(3n)
    expect(value('speed', attributes)).toBe(1.5)
    expect(value('Missing > 1', attributes)).toBeUndefined()
  })

  test('compares memory with size suffixes, under our name and the one of GLUE', () => {
    const attributes = { Memory: 16 * 2 ** 30 }
    expect(value('Memory >= 16GiB', attributes)).toBe(true)
    expect(value('GlueHostMainMemoryRAMSize >= 16384', attributes)).toBe(true)
    expect(value('GlueHostMainMemoryRAMSize', attributes)).toBe(16_384n)
  })

  test('reads dotted labels plainly and as quoted names', () => {
    const attributes = { 'gpu.driver': 550, 'gpu.ecc': true, 'gpu.link.speed': 64, 'rack.tags': ['a', 'b'] }
    expect(value('gpu.driver >= 550', attributes)).toBe(true)
    expect(value("'gpu.driver' >= 550", attributes)).toBe(true)
    expect(value('GPU.Driver', attributes)).toBe(550n)
    expect(value('gpu.link.speed', attributes)).toBe(64n)
    expect(value('gpu.ecc', attributes)).toBe(true)
    expect(value('member("b", rack.tags)', attributes)).toBe(true)
    expect(value('gpu.nothing', attributes)).toBeUndefined()
  })

  test('lets a plain attribute hide the labels below its name, except when quoted', () => {
    const attributes = { gpu: 'A100', 'gpu.driver': 550 }
    expect(value('gpu', attributes)).toBe('A100')
    expect(value("'gpu.driver'", attributes)).toBe(550n)
  })
})

describe('readAttributes', () => {
  const refused = (entries: unknown): string => {
    try {
      readAttributes(entries, 'a')
    } catch (error) {
      if (error instanceof RoostError) return error.code
    }
    return 'taken'
  }

  test('takes what a node measures', () => {
    const attributes = { Cores: 8, Load: 0.25, Production: true, Software: ['a'], 'gpu.driver': 550, _x: 'y' }
    expect({ ...readAttributes(attributes, 'a') }).toEqual(attributes)
  })

  test.each([
    ['no table', 7],
    ['a bad name', { 'a b': 1 }],
    ['a name that begins with a digit', { '1a': 1 }],
    ['an empty part', { 'a..b': 1 }],
    ['a name twice', { Rack: 1, rack: 2 }],
    ['a wrong kind', { Cores: 'eight' }],
    ['half a core', { Cores: 1.5 }],
    ['no number', { x: Number.NaN }],
    ['a nested table', { x: { y: 1 } }],
    ['a list of numbers', { x: [1] }],
    ['a long text', { x: 'y'.repeat(257) }],
    ['a long name', { ['n'.repeat(65)]: 1 }],
    ['a large set', { x: Array(ATTRIBUTE_SET_COUNT_MAX + 1).fill('') }],
    ['too many', Object.fromEntries(Array.from({ length: ATTRIBUTE_COUNT_MAX + 1 }, (_, i) => [`a${i}`, 1]))],
    ['too much together', { a: Array(ATTRIBUTES_CHARS_MAX / 128).fill('x'.repeat(128)) }],
  ])('refuses %s', (_, entries) => {
    expect(refused(entries)).toBe('MESSAGE_MALFORMED')
    expect(() => checkAttributes(entries)).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_INVALID' }))
  })

  test('law: anything gives attributes or a typed error', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        expect(['taken', 'MESSAGE_MALFORMED']).toContain(refused(anything))
      }),
    )
  })

  test('law: equality does not look at order', () => {
    const tables = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.oneof(fc.integer(), fc.string(), fc.boolean()))
    fc.assert(
      fc.property(tables, (table) => {
        const turned = Object.fromEntries(Object.entries(table).toReversed())
        expect(equalAttributes(table, turned)).toBe(true)
        expect(equalAttributes(table, { ...table, zzzz: 1 })).toBe(false)
      }),
    )
  })
})
