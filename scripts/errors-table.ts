/** Prints the table of docs/errors.md as the code has it; with --write, puts it in its place there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES } from '../overlay/index.ts'

export function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { exit, meaning, hint }]) => `| \`${code}\` | ${exit} | ${meaning} | ${hint.replaceAll('|', '\\|')} |`,
  )
  return ['| code | exit | what happened | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '../docs/errors.md')
  if (process.argv.includes('--write'))
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(/\| code \|[^]*?(?=\n\n|$)/, () => errorTable()),
    )
  else console.log(errorTable())
}
