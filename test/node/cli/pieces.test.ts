import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { Writable } from 'node:stream'
import { createOutput } from '../../../node/cli/output.ts'
import { fromCommander, reportFailure } from '../../../node/cli/failure.ts'
import { printable } from '../../../node/cli/printable.ts'
import { formatBytes, formatDuration, parseCount, parseDurationMs } from '../../../node/cli/quantity.ts'
import { scanGlobals } from '../../../node/cli/globals.ts'
import { shortIds } from '../../../node/cli/short-id.ts'
import { formatTable } from '../../../node/cli/table.ts'
import { unknownNames } from '../../../node/cli/unknown-names.ts'
import { parseExpression, RoostError, type Attributes } from '../../../overlay/index.ts'

/** A stream that remembers what was written. */
function memory(): { readonly stream: Writable; text(): string } {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}

describe('tables', () => {
  test('have upper-case headers, columns as wide as their content, and numbers to the right', () => {
    const table = formatTable(
      [
        { name: 'a', cores: 2 },
        { name: 'longer', cores: 128 },
      ],
      ['name', 'cores'],
    )
    expect(table.split('\n')).toEqual(['NAME    CORES', 'a           2', 'longer    128'])
  })

  test('line up under wide characters too', () => {
    const lines = formatTable(
      [
        { name: '計算機', state: 'alive' },
        { name: 'plain', state: 'dead' },
      ],
      ['name', 'state'],
    )
    expect(lines.split('\n')).toEqual(['NAME    STATE', '計算機  alive', 'plain   dead'])
  })

  test('show a dash where there is nothing, and one line where there were several', () => {
    expect(formatTable([{ a: '', b: 'x\ny' }], ['a', 'b', 'c']).split('\n')[1]).toBe('-  x y  -')
  })

  test('what another machine is called cannot move the cursor', () => {
    expect(formatTable([{ name: '\u001b[2Jowned' }], ['name'])).not.toContain('\u001b')
    expect(printable('a\u001b]0;title\u0007b\tc\n')).toBe('a\ufffd]0;title\ufffdb\tc\n')
  })
})

describe('output', () => {
  test('is text for people', () => {
    const [out, err] = [memory(), memory()]
    const output = createOutput({ stdout: out.stream, stderr: err.stream }, { json: false })
    output.document({ a: 1 })
    output.line('a line')
    output.progress('going on')
    expect(out.text()).toBe('a line\n')
    expect(err.text()).toBe('going on\n')
  })

  test('is one document for programs', () => {
    const [out, err] = [memory(), memory()]
    const output = createOutput({ stdout: out.stream, stderr: err.stream }, { json: true })
    output.line('a line')
    output.table([{ a: 1 }], ['a'])
    output.progress('going on')
    output.document({ a: 1 })
    expect(JSON.parse(out.text())).toEqual({ a: 1 })
    expect(err.text()).toBe('')
  })
})

describe('a failure', () => {
  function told(thrown: unknown, options: { json?: boolean; verbose?: boolean } = {}): [number, string] {
    const { stream, text } = memory()
    return [reportFailure(thrown, stream, { json: false, verbose: false, ...options }), text()]
  }

  test('is one line that says what happened and one that says what to do', () => {
    const error = new RoostError('DENIED', 'no entry', { hint: 'ask' })
    expect(told(error)).toEqual([4, 'roost: no entry (DENIED)\nask\n'])
  })

  test('that is uncertain says so', () => {
    const [, text] = told(new RoostError('CALL_TIMEOUT', 'no answer', { certain: false }))
    expect(text).toContain('(CALL_TIMEOUT; it may have happened all the same)')
  })

  test('in an expression has a mark under its column', () => {
    const error = new RoostError('EXPRESSION_MALFORMED', 'bad', { line: 2, column: 3, data: { source: 'a\nb ?c' } })
    expect(told(error)[1].split('\n').slice(1, 3)).toEqual(['  b ?c', '    ^'])
  })

  test('at an empty line has no mark', () => {
    const error = new RoostError('JOB_MALFORMED', 'cut', { line: 2, column: 1, data: { source: 'run: [\n' } })
    expect(told(error)[1].split('\n')).toHaveLength(3)
  })

  test('far out on a long line shows what is around it', () => {
    const source = `${'x'.repeat(500)}?`
    const error = new RoostError('EXPRESSION_MALFORMED', 'bad', { line: 1, column: 501, data: { source } })
    const [, shown, mark] = told(error)[1].split('\n')
    expect(shown!.length).toBeLessThan(130)
    expect(shown![mark!.indexOf('^')]).toBe('?')
  })

  test('with --json is its record in one line', () => {
    const [status, text] = told(new RoostError('DENIED', 'no entry'), { json: true })
    expect(status).toBe(4)
    expect(JSON.parse(text)).toMatchObject({ code: 'DENIED', message: 'no entry', certain: true })
  })

  test('shows its stack and its causes with --verbose alone', () => {
    const error = new RoostError('INTERNAL', 'outer', { cause: new Error('inner') })
    expect(told(error)[1]).not.toContain('    at ')
    expect(told(error, { verbose: true })[1]).toMatch(/ {4}at [^]*caused by Error: inner/)
  })

  test('by ctrl-c is an interruption', () => {
    expect(told(new DOMException('The operation was aborted', 'AbortError'))[0]).toBe(130)
  })

  test('in the words of commander becomes ours', () => {
    const error = fromCommander(
      { code: 'commander.unknownCommand', message: "error: unknown command 'fnd'\n(Did you mean find?)", exitCode: 1 },
      '',
    )
    expect(error).toMatchObject({ code: 'USAGE', message: "unknown command 'fnd'", hint: 'did you mean find?' })
  })
})

describe('global flags', () => {
  test('are found wherever they stand', () => {
    expect(scanGlobals(['nodes', '--json', '--data=/x'])).toEqual({
      globals: { json: true, verbose: false, data: '/x' },
      word: 'nodes',
      words: ['nodes'],
    })
    expect(scanGlobals(['--data', '/x', 'find', 'Cores > 1']).word).toBe('find')
  })

  test('are not looked for among the words of another command', () => {
    expect(scanGlobals(['run', '--', 'tool', '--json']).globals.json).toBe(false)
  })

  test('the word behind help is the one that counts', () => {
    expect(scanGlobals(['help', 'submit']).word).toBe('submit')
    expect(scanGlobals(['help']).word).toBe('help')
    expect(scanGlobals([]).word).toBeUndefined()
  })

  test('that lack their value are refused', () => {
    expect(() => scanGlobals(['nodes', '--data'])).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

describe('quantities', () => {
  test.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDurationMs(text, '--ttl')).toBe(ms)
  })

  test.each(['', '5', 's', '-5s', '5 parsecs', '0s', '1e9d'])('%j is no duration', (text) => {
    expect(() => parseDurationMs(text, '--ttl')).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test.each(['', '-1', '0', '11', '1.5', '0x3', ' 3'])('%j is no count from 1 to 10', (text) => {
    expect(() => parseCount(text, '-n', { min: 1, max: 10 })).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('are shown in two units at most', () => {
    expect([0, 59_000, 3_600_000, 93_784_000].map(formatDuration)).toEqual(['0s', '59s', '1h', '1d 2h'])
    expect([512, 1536, 25_276_514_304].map(formatBytes)).toEqual(['512B', '1.5KiB', '23.5GiB'])
  })
})

test('short ids are different prefixes of theirs', () => {
  const id = fc.stringMatching(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
  fc.assert(
    fc.property(fc.uniqueArray(id, { maxLength: 20 }), (ids) => {
      const short = shortIds(ids)
      for (const one of ids) {
        const prefix = short.get(one)!
        expect(ids.filter((other) => other.startsWith(prefix))).toEqual([one])
      }
    }),
  )
})

describe('names that no machine knows', () => {
  const machines: Attributes[] = [{ Cores: 4, 'gpu.driver': 550 }, { Site: 'lyon' }]
  test.each([
    ['Coers >= 1', [{ name: 'coers', guess: 'Cores' }]],
    ['Cores >= 1 && FreeCores > 0 && Gpus > 1', []],
    ['gpu.driver > 500 || TARGET.GlueHostArchitectureSMPSize > 2', []],
    ['zyzzyva == 1', [{ name: 'zyzzyva' }]],
  ])('%s', (text, expected) => {
    expect(unknownNames(parseExpression(text), machines)).toEqual(expected)
  })
})
