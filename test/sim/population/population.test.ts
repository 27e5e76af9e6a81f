import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkAttributes, RoostError, type Attributes } from '../../../overlay/index.ts'
import {
  machinesPopulation,
  parseCsv,
  readPopulation,
  syntheticPopulation,
  uniformPopulation,
} from '../../../sim/population/index.ts'
import { casePath, readCase } from '../cases.ts'

const MACHINES = `site,node,cores,clock_hz,ram_bytes,disk_bytes,gpu.driver,virtual
lyon,a-1,8,2400000000,16000000000,500000000000,550,True
lille,b-1,16,,32000000000,,,ivt
`

describe('machines from a table', () => {
  const population = machinesPopulation(MACHINES, 'machines.csv', 1)

  test('are what its columns say, in units of ours, and without what a cell leaves open', () => {
    expect(population.machine(0)).toEqual({
      name: 'lyon.a-1',
      attributes: {
        ...{ Site: 'lyon', node: 'a-1', Cores: 8, CpuSpeed: 2_400, Memory: 16_000_000_000, Disk: 500_000_000_000 },
        ...{ 'gpu.driver': 550, virtual: true },
      },
    })
    expect(population.machine(1).attributes).toEqual({
      ...{ Site: 'lille', node: 'b-1', Cores: 16, Memory: 32_000_000_000, virtual: 'ivt' },
    })
  })

  test('beyond the table are drawn from it', () => {
    const names = new Set(Array.from({ length: 50 }, (_, index) => population.machine(2 + index).attributes['node']))
    expect(names).toEqual(new Set(['a-1', 'b-1']))
  })

  test.each([
    ['a header alone', 'cores\n', 1, 'nothing below the header'],
    ['two columns of one name', 'cores,cores\n1,2\n', 1, 'two columns'],
    ['two columns that are one attribute', 'cores,Cores\n1,2\n', 1, 'are both Cores'],
    ['a column that can be no attribute', 'a b\n1\n', 1, '"a b" can be no attribute'],
    ['half a core', 'cores\n8\n2.5\n', 3, 'is not a whole number'],
    ['a speed in words', 'clock_hz\nfast\n', 2, 'is not a number'],
    ['a row that is too long', 'cores,site\n8,x\n8,x,y\n', 3, '3 cells under 2 columns'],
    ['a quote that does not end', 'site\nx\n"y\n', 3, 'a quote that does not end'],
  ])('with %s are refused with the line', (_, text, line, words) => {
    const fault = expect(() => machinesPopulation(text, 'machines.csv', 1))
    fault.toThrow(expect.objectContaining({ code: 'USAGE', line, file: 'machines.csv' }))
    fault.toThrow(words)
  })
})

describe('a table', () => {
  test('has cells in quotes, with separators, quotes and line ends in them, and says where each row begins', () => {
    const table = parseCsv('\uFEFFa,b\r\n"x, ""y""\nz",1\r\n\r\n2,"3"', 't.csv')
    expect(table).toEqual({
      header: ['a', 'b'],
      rows: [
        { line: 2, cells: ['x, "y"\nz', '1'] },
        { line: 5, cells: ['2', '3'] },
      ],
    })
  })

  test('of any cells is read as it was written', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', ' ', 'é') })
    const row = fc.tuple(cell, cell)
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), (rows) => {
        const text = rows.map((cells) => cells.map((each) => `"${each.replaceAll('"', '""')}"`).join(',')).join('\n')
        expect(parseCsv(`p,q\n${text}\n`, 't').rows.map(({ cells }) => cells)).toEqual(rows)
      }),
    )
  })

  test('of any text is read, or refused with a line of it', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ') })
    fc.assert(
      fc.property(text, (table) => {
        try {
          parseCsv(table, 't')
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RoostError)
          expect((thrown as RoostError).line).toBeLessThanOrEqual(table.split('\n').length + 1)
        }
      }),
    )
  })
})

const machinesPath = casePath('machines/grid5000-2026.csv')

describe.each([
  ['uniform', (seed: number) => uniformPopulation(4, seed)],
  ['synthetic', syntheticPopulation],
  ['a table', (seed: number) => machinesPopulation(MACHINES, 'm.csv', seed)],
])('a population that is %s', (_, populationFor) => {
  test('has the same machine under one number each time, and a seed others', () => {
    const [one, again, other] = [populationFor(5), populationFor(5), populationFor(6)]
    const indices = [900, 3, 41]
    const machines = indices.map((index) => one.machine(index))
    expect(indices.toReversed().map((index) => again.machine(index))).toEqual(machines.toReversed())
    expect(Array.from({ length: 20 }, (_each, index) => other.machine(100 + index))).not.toEqual(
      Array.from({ length: 20 }, (_each, index) => one.machine(100 + index)),
    )
  })

  test('has machines that may be nodes, with the attributes that it names', () => {
    const population = populationFor(1)
    for (let index = 0; index < 300; index++) {
      const { name, attributes } = population.machine(index)
      expect(name.length).toBeLessThanOrEqual(64)
      expect(checkAttributes(attributes)).toEqual(attributes)
      for (const attribute of Object.keys(attributes)) expect(population.attributeNames).toContain(attribute)
    }
  })
})

describe('synthetic hosts', () => {
  const hosts = Array.from({ length: 6_000 }, (_, index) => syntheticPopulation(3).machine(index).attributes)
  const numbers = (name: string): number[] => hosts.map((host) => host[name] as number)

  test('are skewed: most are small, some are very large', () => {
    const [cores, memory] = [numbers('Cores').toSorted(ascending), numbers('Memory').toSorted(ascending)]
    for (const sorted of [cores, memory])
      expect(sorted.at(-60)! / sorted[sorted.length >> 1]!, 'the largest hundredth over the median').toBeGreaterThan(5)
  })

  test('are correlated: who has many cores has much memory, a faster network and more often a GPU', () => {
    expect(correlation(numbers('Cores').map(Math.log), numbers('Memory').map(Math.log))).toBeGreaterThan(0.5)
    expect(correlation(numbers('Cores').map(Math.log), numbers('Bandwidth').map(Math.log))).toBeGreaterThan(0.15)
    const shareWithGpus = (some: Attributes[]): number =>
      some.filter((host) => (host['Gpus'] as number) > 0).length / some.length
    const isLarge = (host: Attributes): boolean => (host['Cores'] as number) >= 16
    expect(shareWithGpus(hosts.filter(isLarge))).toBeGreaterThan(
      2 * shareWithGpus(hosts.filter((host) => !isLarge(host))),
    )
  })

  test('stand at sites, of which few have many', () => {
    const counts = Object.values(Object.groupBy(hosts, (host) => host['Site'] as string)).map((some) => some!.length)
    expect(counts.length).toBeGreaterThan(100)
    expect(Math.max(...counts) / hosts.length).toBeGreaterThan(0.1)
  })
})

test.skipIf(machinesPath === undefined)('real machines keep what is sold, and differ in what is measured', () => {
  const COUNT = 939
  const population = machinesPopulation(readCase(machinesPath!), machinesPath!, 1)
  const valuesOf = (name: string, from: number, to: number): Set<unknown> =>
    new Set(Array.from({ length: to - from }, (_, index) => population.machine(from + index).attributes[name]))
  const newIn = (name: string): number => {
    const sold = valuesOf(name, 0, COUNT)
    return [...valuesOf(name, COUNT, 3_000)].filter((value) => !sold.has(value)).length
  }
  expect(newIn('Cores')).toBe(0)
  expect(newIn('Memory')).toBe(0)
  expect(newIn('Disk')).toBeGreaterThan(1_000)
})

test.each(['uniform:0', 'uniform:', 'uniform:x', 'uniform:1000', '/nowhere/machines.csv'])(
  '%s is no population',
  (text) => {
    expect(() => readPopulation(text, 1)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  },
)

function ascending(one: number, other: number): number {
  return one - other
}

function correlation(one: readonly number[], other: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [a, b] = [mean(one), mean(other)]
  const product = (index: number): number => (one[index]! - a) * (other[index]! - b)
  const covariance = one.reduce((sum, _, index) => sum + product(index), 0)
  const spread = (values: readonly number[], centre: number): number =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0))
  return covariance / (spread(one, a) * spread(other, b))
}
