import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../node/codec/index.ts'
import type { Plain } from '../../overlay/index.ts'
import { goldenProtocols } from './examples.ts'

/**
 * Every message that was ever released has its bytes here, and must parse for ever. `node scripts/golden.ts` adds those of new
 * types; a line that stands is never changed.
 */

const BYTES_MAX = 1024 * 1024

for (const { name, parse, examples } of goldenProtocols) {
  describe(name, () => {
    const rows = readFileSync(join(import.meta.dirname, `${name}.tsv`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t') as [string, string])

    test.each(rows)('still reads %s', (type, hex) => {
      const stored = decode(Buffer.from(hex, 'hex'), { bytesMax: BYTES_MAX })
      expect(parse(stored)).toEqual(stored)
      expect((stored as { type?: string }).type ?? type).toBe(type)
    })

    test.each(Object.entries(examples))('has bytes of %s as it is sent today', (type, example) => {
      const hex = Buffer.from(encode(example as Plain)).toString('hex')
      expect(rows).toContainEqual([type, hex])
    })
  })
}

test('no stored bytes are left without a protocol that reads them', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.tsv'))
  expect(files.sort()).toEqual(goldenProtocols.map(({ name }) => `${name}.tsv`).sort())
})
