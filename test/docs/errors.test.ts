import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../overlay/index.ts'
import { errorTable } from '../../scripts/errors-table.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8')

test('docs/errors.md has the table that the code gives; `node scripts/errors-table.ts --write` brings it up to date', () => {
  expect(page).toContain(errorTable())
})

test('no code is explained twice, or gone from the code', () => {
  const listed = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1])
  expect(listed).toEqual(Object.keys(ERROR_CODES))
})
