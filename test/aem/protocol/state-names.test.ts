import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isFinal, JOB_STATES } from '../../../aem/protocol/index.ts'
import { ENDED_BUT_KEPT, STATE_NAMES, type StateNames } from '../../../aem/protocol/state-names.ts'

const cases = process.env['ROOST_CASES'] ?? join(import.meta.dirname, '../../../../shared/cases')
const folder = join(cases, 'lifecycle')
const hasCases = existsSync(folder)
if (!hasCases)
  console.warn(`skipped: ${folder} is missing, so the names of states are not checked against their sources`)

type System = Exclude<keyof StateNames, 'doneCode'>

const rowsOf = (file: string): string[][] =>
  readFileSync(join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))

/** The states of each system, and whether they are final there. */
function sources(): Record<System, Map<string, boolean>> {
  const named = rowsOf('state-names.tsv')
  const of = (model: string): Map<string, boolean> =>
    new Map(named.filter(([name]) => name === model).map(([, state, terminal]) => [state!, terminal === '1']))
  const drmaa2 = new Map(
    rowsOf('drmaa2-jstate.tsv').map(([name]) => [name!, name === 'DONE' || name === 'FAILED'] as const),
  )
  return { lb: of('gLite L&B'), bes: of('OGSA-BES'), arc: of('ARC A-REX'), cream: of('CREAM'), drmaa2 }
}

test('every state of a job has a name in every system', () => {
  expect(Object.keys(STATE_NAMES).toSorted()).toEqual([...JOB_STATES].toSorted())
})

test('what is done in L&B says how it went, and nothing else does', () => {
  for (const { lb, doneCode } of Object.values(STATE_NAMES)) expect(doneCode !== undefined).toBe(lb === 'Done')
})

describe.skipIf(!hasCases).each(['lb', 'bes', 'drmaa2', 'arc', 'cream'] as const)('the names of %s', (system) => {
  test.each(JOB_STATES)('%s is one that its source has, and final exactly where roost is', (state) => {
    const terminal = sources()[system].get(STATE_NAMES[state][system])
    expect(terminal).toBeDefined()
    const isKept = system in ENDED_BUT_KEPT && ENDED_BUT_KEPT[system as 'lb'] === STATE_NAMES[state][system]
    expect(terminal || isKept).toBe(isFinal(state))
  })
})

test.skipIf(!hasCases)('what L&B calls done codes are those of its source', () => {
  const source = readFileSync(join(folder, 'lb-status-types.T'), 'utf8')
  for (const { doneCode } of Object.values(STATE_NAMES))
    if (doneCode !== undefined) expect(source).toMatch(new RegExp(`^\\s+_code_\\s+${doneCode}\\s`, 'm'))
})

test('docs/jobs.md has the table', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/jobs.md'), 'utf8')
  for (const [state, { lb, doneCode, bes, drmaa2, arc, cream }] of Object.entries(STATE_NAMES)) {
    const names = [doneCode === undefined ? lb : `${lb} (${doneCode})`, bes, drmaa2, arc, cream]
    expect(text).toContain(`| \`${state}\` | ${names.join(' | ')} |`)
  }
})
