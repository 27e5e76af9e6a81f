import fc from 'fast-check'
import {
  AbsoluteTime,
  ErrorValue,
  functionNames,
  RelativeTime,
  type AttributeScope,
  type BinaryOperator,
  type Expression,
  type LiteralValue,
  type UnaryOperator,
} from '../../../overlay/classad/index.ts'

/** Random trees for laws: every kind of node, and names and texts that are awkward to write. */

const NAMES = [
  'a',
  'b',
  'Cores',
  'my',
  'TARGET',
  'parent',
  'is',
  'true',
  'odd name',
  "it's",
  'back\\slash',
  '_x1',
  'gpu.driver',
]

const names = (): fc.Arbitrary<string> => fc.constantFrom(...NAMES)

export function literals(): fc.Arbitrary<LiteralValue> {
  return fc.oneof(
    fc.constant(undefined),
    fc.constant(new ErrorValue('drawn')),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer({ min: -3, max: 70 }).map(BigInt),
    fc.double(),
    texts(),
    fc
      .tuple(fc.integer({ min: -60_000_000_000, max: 200_000_000_000 }), fc.integer({ min: -1_000, max: 1_000 }))
      .map(([unixS, offsetMinutes]) => new AbsoluteTime(unixS, offsetMinutes * 60)),
    fc
      .oneof(fc.integer(), fc.double({ min: -1e12, max: 1e12, noNaN: true }))
      .map((seconds) => new RelativeTime(seconds)),
  )
}

/** Any text but with NUL, which the language cannot write. */
export function texts(): fc.Arbitrary<string> {
  return fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('(a|b)*', '%Y-%j', "don't", 'a, b', '1 + a', '2024-01-01T00:00:00Z'),
    )
    .map((text) => text.replaceAll('\0', ''))
}

const SCOPES: readonly AttributeScope[] = ['near', 'my', 'target', 'parent', 'root']
const UNARY: readonly UnaryOperator[] = ['-', '+', '!', '~']
const BINARY: readonly BinaryOperator[] = [
  ...(['||', '&&', '|', '^', '&', '==', '!=', '=?=', '=!=', '<', '<='] as const),
  ...(['>', '>=', '<<', '>>', '>>>', '+', '-', '*', '/', '%', '?:'] as const),
]

export function expressions(): fc.Arbitrary<Expression> {
  const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      literals().map((value): Expression => ({ kind: 'literal', value })),
      fc.record({ kind: fc.constant('attribute' as const), scope: fc.constantFrom(...SCOPES), name: names() }),
      fc.record({ kind: fc.constant('select' as const), from: tie('expression'), name: names() }).map(asParsed),
      fc.record({ kind: fc.constant('subscript' as const), from: tie('expression'), index: tie('expression') }),
      fc.record({
        kind: fc.constant('unary' as const),
        operator: fc.constantFrom(...UNARY),
        operand: tie('expression'),
      }),
      fc.record({
        kind: fc.constant('binary' as const),
        operator: fc.constantFrom(...BINARY),
        left: tie('expression'),
        right: tie('expression'),
      }),
      fc.record({
        kind: fc.constant('conditional' as const),
        condition: tie('expression'),
        then: tie('expression'),
        otherwise: tie('expression'),
      }),
      fc
        .record({
          kind: fc.constant('call' as const),
          name: fc.constantFrom(...functionNames(), 'unknownFunction'),
          arguments: fc.array(tie('expression'), { maxLength: 4 }),
        })
        .map(asParsed),
      fc.record({ kind: fc.constant('list' as const), items: fc.array(tie('expression'), { maxLength: 4 }) }),
      fc.record({
        kind: fc.constant('ad' as const),
        entries: fc.uniqueArray(fc.record({ name: names(), expression: tie('expression') }), {
          maxLength: 4,
          selector: (entry) => entry.name.toLowerCase(),
        }),
      }),
    ),
  }))
  return expression
}

/** The parser takes calls such as `absTime("2024-01-01")` for literals: a tree with such a call is none that it gives. */
function asParsed(expression: Expression): Expression {
  if (expression.kind !== 'call' || !['abstime', 'reltime', 'real'].includes(expression.name)) return expression
  return { ...expression, arguments: [...expression.arguments, { kind: 'literal', value: true }] }
}
