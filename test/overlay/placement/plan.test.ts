import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches, mintDescriptor, parseExpression, type Attributes } from '../../../overlay/index.ts'
import { Plan } from '../../../overlay/placement/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const env = new HandEnv<never, never, never>(peerIds(1)[0]!)

function admits(where: string, attributes: Attributes): boolean {
  const descriptor = mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes }, env)
  return new Plan(parseExpression(where)).admits(descriptor, env)
}

describe('a plan', () => {
  test.each([
    ['Cores >= 8', false],
    ['Cores >= 4', true],
    ['FreeCores >= 4', true],
    ['FreeCores >= 4 && Cores >= 8', false],
    ['(FreeCores >= 4) && Cores == 4 && Load < 1', true],
    ['Cores >= 8 || FreeCores > 1', true],
    ['FreeCores =!= undefined', true],
    ['isUndefined(Load)', true],
    ['GlueCEStateFreeCPUs > 2', true],
    ['GlueHostArchitectureSMPSize > 4', false],
    ['license.matlab > 0', false],
    ['isUndefined(license.matlab)', true],
    ['eval("Free" + "Cores") > 1', true],
    ['random(2) == 1', true],
    ['TARGET.Cores == 4 && other.Os == "linux"', true],
  ])('over a node of 4 cores: %s is %o', (where, expected) => {
    expect(admits(where, { Cores: 4, Os: 'LINUX' })).toBe(expected)
  })

  test('leaves labels that the node measures live to the node', () => {
    const attributes = { Cores: 4, Dynamic: ['license.matlab', 'Temperature'] }
    expect(admits('license.matlab > 0', attributes)).toBe(true)
    expect(admits("'license.matlab' > 0", attributes)).toBe(true)
    expect(admits('temperature < 70', attributes)).toBe(true)
    expect(admits('temperature < 70 && Cores == 5', attributes)).toBe(false)
    expect(admits('humidity < 70', attributes)).toBe(false)
  })

  test('law: it never leaves out a node that would have matched', () => {
    const atom = fc.constantFrom(
      'Cores > 2',
      'FreeCores > 2',
      'Load < 0.5',
      'Rack == 1',
      'Heat > 1',
      'isUndefined(Heat)',
      'FreeCores =?= undefined',
      'true',
      'false',
      'Rack',
    )
    const { where } = fc.letrec<{ where: string }>((tie) => ({
      where: fc.oneof(
        { depthSize: 'small' },
        atom,
        fc
          .tuple(tie('where'), fc.constantFrom('&&', '||', '=?=', '=!='), tie('where'))
          .map((parts) => `(${parts.join(' ')})`),
        tie('where').map((inner) => `!(${inner})`),
        fc.tuple(tie('where'), tie('where'), tie('where')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      ),
    }))
    const statics = fc.record({ Cores: fc.nat(4), Rack: fc.nat(2) }, { requiredKeys: [] })
    const dynamics = fc.record(
      { FreeCores: fc.nat(4), Load: fc.double({ min: 0, max: 1 }), Heat: fc.nat(3) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(where, statics, dynamics, (text, fixed, dynamic) => {
        const announced = 'Heat' in dynamic ? { Dynamic: ['Heat'] } : {}
        const signed = { ...fixed, ...announced }
        const isMatch = matches(parseExpression(text), { ...signed, ...dynamic }, env)
        if (isMatch) expect(admits(text, signed)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})
