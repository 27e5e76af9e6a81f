import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  Ad,
  evaluate,
  evaluateAttribute,
  formatValue,
  isAcceptedBy,
  isIdentical,
  parseAd,
  parseAds,
  parseExpression,
  parseOldAd,
  parseOldAds,
  symmetricMatch,
  type Value,
} from '../../../overlay/classad/index.ts'
import { tokenize } from '../../../overlay/classad/lexer.ts'
import { seededRng } from '../../../overlay/env/index.ts'

/**
 * The expression and matchmaking tests of HTCondor, read in place. What is expected stands in each record; how a record
 * is run depends on its `form`.
 */
const FOLDER = resolve(
  process.env['ROOST_CASES'] ?? resolve(import.meta.dirname, '../../../../shared/cases'),
  'classad',
)

/** Records that are left out on purpose, with the reason: at the moment none is. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map()

interface Record {
  readonly id: string
  readonly form: string
  readonly [field: string]: unknown
}

const present = existsSync(FOLDER)
const files = present ? readdirSync(FOLDER) : []
const records = files
  .filter((file) => file.endsWith('.jsonl'))
  .flatMap((file) => readFileSync(resolve(FOLDER, file), 'utf8').trimEnd().split('\n'))
  .map((line) => JSON.parse(line) as Record)

const context = { rng: seededRng(7) }
let checkedCount = 0

const CHECKS: { readonly [form: string]: (record: Record) => void } = {
  compare({ left, right, relation, vars }) {
    const filled = (text: unknown): string => fill(text as string, (vars ?? {}) as { [name: string]: string })
    const same = isIdentical(valueOf(filled(left)), valueOf(filled(right)))
    expect(same).toBe(relation === 'same')
  },
  my_expr({ my, expr, expected }) {
    const attributes = Object.entries(my as { [name: string]: string })
    const ad = Ad.of(attributes.map(([name, text]) => [name, parseExpression(text)]))
    const value = evaluate(parseExpression(expr as string), { my: ad }, context)
    const shown = typeof value === 'string' ? value : formatValue(value)
    expect(shown.toLowerCase()).toBe((expected as string).toLowerCase())
  },
  single({ ad_old_syntax, attribute, expected, lookup_type }) {
    const value = evaluateAttribute(parseOldAd(ad_old_syntax as string), attribute as string, {}, context)
    if ((ad_old_syntax as string).includes('=random(')) expectBelow(value, expected as number)
    else if (lookup_type === 'real') expect(value).toBeCloseTo(expected as number, 6)
    else expect(value).toEqual(lookup_type === 'integer' ? BigInt(expected as number) : expected)
  },
  my_target({ ads_old_syntax, my, target, attribute, expected }) {
    const ads = ads_old_syntax as { [name: string]: string }
    const [left, right] = [parseOldAd(ads[my as string]!), parseOldAd(ads[target as string]!)]
    expect(evaluateAttribute(left, attribute as string, { target: right })).toBe(BigInt(expected as number))
  },
  match({ fn, left, right, ads_old_syntax, expected }) {
    const [first, second] = ads_old_syntax
      ? (ads_old_syntax as string[]).map((text) => parseOldAd(text))
      : [left, right].map((text) => parseAd(text as string))
    // `left.matches(right)` asks for the requirements of the right ad alone.
    expect(fn === 'matches' ? isAcceptedBy(second!, first!) : symmetricMatch(first!, second!)).toBe(expected)
  },
  expr({ expr, expected_json }) {
    expect(asJson(valueOf(expr as string))).toEqual(expected_json)
  },
  range_query({ constraints, ad, expected }) {
    const target = parseAd(ad as string)
    const holds = (constraints as string[]).every((text) => evaluate(parseExpression(text), { target }) === true)
    expect(holds).toBe(expected)
  },
  cli({ args, expected_output, files: contents }) {
    expect(runTool(args as string[], (contents ?? {}) as { [name: string]: string })).toBe(expected_output)
  },
  parse_error({ expr }) {
    expect(() => parseExpression(expr as string)).toThrow(expect.objectContaining({ code: 'EXPRESSION_MALFORMED' }))
  },
  ad_parse_error({ ad }) {
    expect(() => parseAd(ad as string)).toThrow(expect.objectContaining({ code: 'EXPRESSION_MALFORMED' }))
  },
  lexer({ token_text, expected }) {
    const [token, end, ...others] = tokenize(token_text as string)
    expect(others).toEqual([])
    expect(end!.type).toBe('end')
    expect(token!.type === 'operator' ? token!.text : token!.type).toBe(TOKENS[expected as string])
  },
}

/** What HTCondor's lexer calls the tokens, in our words. */
const TOKENS: { readonly [name: string]: string } = {
  LEX_REAL_VALUE: 'real',
  LEX_INTEGER_VALUE: 'integer',
  LEX_BOOLEAN_VALUE: 'boolean',
  LEX_STRING_VALUE: 'string',
  LEX_IDENTIFIER: 'name',
  LEX_SELECTION: '.',
  LEX_MODULUS: '%',
  LEX_PLUS: '+',
  LEX_LESS_OR_EQUAL: '<=',
  LEX_EQUAL: '==',
  LEX_BOUND_TO: '=',
  LEX_QMARK: '?',
  LEX_SEMICOLON: ';',
  LEX_CLOSE_BOX: ']',
}

function valueOf(text: string): Value {
  return evaluate(parseExpression(text), {}, context)
}

function expectBelow(value: Value, bound: number): void {
  expect(Number(value)).toBeGreaterThanOrEqual(0)
  expect(Number(value)).toBeLessThan(bound)
}

/** A variable stands for the text of another expression, which may have variables of its own. */
function fill(text: string, variables: { readonly [name: string]: string }): string {
  const filled = text.replace(/\$([A-Za-z0-9_]+)/g, (_, name: string) => variables[name]!)
  return filled === text ? text : fill(filled, variables)
}

function asJson(value: Value): unknown {
  if (value === undefined) return 'UNDEFINED'
  if (typeof value === 'bigint') return Number(value)
  return Array.isArray(value) ? value.map(asJson) : value
}

/** As `condor_classad_eval` does: shows the ad unless told to be quiet, then the value of each expression. */
function runTool(args: readonly string[], contents: { readonly [name: string]: string }): string {
  const ads: { [side: string]: Ad } = {}
  let quiet = false
  let output = ''
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!
    if (argument === '-quiet') quiet = true
    else if (argument.startsWith('-'))
      ads[argument === '-target-file' ? 'target' : 'my'] = parseAd(contents[args[++at]!]!)
    else {
      if (!quiet) output += '[  ]\n'
      output += `${formatValue(evaluate(parseExpression(argument), ads))}\n`
    }
  }
  return output
}

describe.skipIf(!present)('the expression cases of HTCondor (../shared/cases/classad, or ROOST_CASES)', () => {
  test('are all there', () => {
    expect(records.length).toBeGreaterThanOrEqual(RECORD_COUNT_MIN)
  })

  for (const record of records) {
    if (LEFT_OUT.has(record.id)) continue
    test(`${record.id} gives what is expected`, () => {
      CHECKS[record.form]!(record)
      checkedCount++
    })
  }

  test.for(files.filter((file) => /\.ads?$/.test(file)))(
    '%s parses, and what is formatted parses to the same',
    (file) => {
      const text = readFileSync(resolve(FOLDER, file), 'utf8')
      const ads = text.trimStart().startsWith('[') ? parseAds(text) : parseOldAds(text)
      expect(ads.length).toBeGreaterThan(0)
      for (const ad of ads) {
        expect(parseAd(formatValue(ad)).node).toEqual(ad.node)
        // A real ad names what is not there, but has no mistake in it.
        for (const { name } of ad.entries) expect(typeof formatValue(evaluateAttribute(ad, name))).toBe('string')
      }
    },
  )

  afterAll(() => {
    expect(checkedCount).toBe(records.length - LEFT_OUT.size)
    expect([...LEFT_OUT.keys()].filter((id) => !records.some((record) => record.id === id))).toEqual([])
  })
})

/** So many records there were when this was written: fewer would mean that they are not read. */
const RECORD_COUNT_MIN = 247
