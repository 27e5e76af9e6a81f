import fc from 'fast-check'
import type { Attributes, AttributeValue } from '../../../overlay/index.ts'

/** Attributes and conditions over them that meet often: few names, few values, and the odd ones among them. */

const TEXTS = ['', 'linux', 'Linux', 'x86_64', 'lyon', 'Z', 'ß', 'İ', 'a,b', 'production']
const NUMBERS = [0, -0, 1, 2, 4, 8, 2.5, -3, 1e300, -1e300, 2 ** 53, 2 ** 53 + 2, 2_097_152, 5_000_000_000]
const INTEGERS = NUMBERS.filter((number) => Number.isSafeInteger(number))

const texts = fc.constantFrom(...TEXTS)
const labels: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.constantFrom(...NUMBERS),
  texts,
  fc.boolean(),
  fc.array(texts, { maxLength: 2 }),
)

/** Of known names with values of their kind, of labels with any, dotted ones and other standards' names among them. */
export const attributeTables: fc.Arbitrary<Attributes> = fc.record(
  {
    Cores: fc.constantFrom(...INTEGERS),
    CpuSpeed: fc.constantFrom(...NUMBERS),
    memory: fc.constantFrom(...INTEGERS),
    OS: texts,
    OsVersion: fc.constantFrom('7', '22.04', '10'),
    Software: fc.array(texts, { maxLength: 2 }),
    rack: labels,
    gpu: labels,
    'gpu.driver': labels,
    'Gpu.driver.build': labels,
    Application: labels,
    individualCpuCount: labels,
    my: labels,
  },
  { requiredKeys: [] },
)

const names = fc.constantFrom(
  ...[
    'Cores',
    'cpuspeed',
    'Memory',
    'os',
    'OsVersion',
    'Software',
    'rack',
    'RACK',
    'gpu',
    "'gpu.driver'",
    'gpu.driver',
  ],
  ...['gpu.driver.build', 'MY.Cores', 'TARGET.os', 'other.rack', 'parent.rack', 'root.rack', 'Application', 'my'],
  ...['GlueHostMainMemoryRAMSize', 'GlueHostArchitectureSMPSize', 'IndividualCPUSpeed', 'IndividualCPUCount', 'Nobody'],
)

const literals = fc.oneof(
  fc.constantFrom(...NUMBERS).map((number) => (Object.is(number, -0) ? '-0.0' : `${number}`)),
  fc.constantFrom('9007199254740993', '-9007199254740993', '9223372036854775807', '2.0', '2MiB', '4 / 2', '2 * 4 - 4'),
  texts.map((text) => JSON.stringify(text)),
  fc.constantFrom('true', 'false', 'undefined', 'error', 'real("INF")', 'real("-INF")', 'real("NaN")', '!true'),
)

const comparisons = fc.constantFrom('==', '!=', '=?=', '=!=', '<', '<=', '>', '>=', 'is', 'isnt')
const lists = fc.array(literals, { maxLength: 3 }).map((items) => `{ ${items.join(', ')} }`)

const atoms = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(names, comparisons, literals).map((parts) => parts.join(' ')) },
  { weight: 2, arbitrary: fc.tuple(literals, comparisons, names).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: names },
  { weight: 1, arbitrary: literals },
  { weight: 1, arbitrary: fc.tuple(names, comparisons, names).map((parts) => parts.join(' ')) },
  { weight: 1, arbitrary: names.map((name) => `isUndefined(${name})`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('member', 'identicalMember'), names, lists)
      .map(([call, name, list]) => `${call}(${name}, ${list})`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('stringListMember', 'stringListIMember'), names, fc.array(texts, { maxLength: 3 }))
      .map(([call, name, list]) => `${call}(${name}, ${JSON.stringify(list.join(', '))})`),
  },
  { weight: 1, arbitrary: fc.tuple(texts, names).map(([text, name]) => `member(${JSON.stringify(text)}, ${name})`) },
  { weight: 1, arbitrary: fc.tuple(names, literals).map(([name, literal]) => `${name} / 2 > ${literal}`) },
)

/** Conditions as text, with every operator around them that has a meaning for truth. */
export const conditions: fc.Arbitrary<string> = fc.letrec<{ where: string }>((tie) => ({
  where: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atoms,
    fc
      .tuple(tie('where'), fc.constantFrom('&&', '||', '==', '=?='), tie('where'))
      .map((parts) => `(${parts.join(' ')})`),
    tie('where').map((inner) => `!(${inner})`),
    fc.tuple(tie('where'), tie('where'), tie('where')).map(([one, two, three]) => `(${one} ? ${two} : ${three})`),
  ),
})).where
