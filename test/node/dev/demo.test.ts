import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { roost } from '../cli/command.ts'

test('the demonstration does all of it, and leaves nothing behind', { timeout: 180_000 }, async () => {
  const home = mkdtempSync(join(tmpdir(), 'roost-demo-test-'))
  try {
    const { status, stdout, stderr } = await roost(['dev', 'demo'], { env: { HOME: home, TMPDIR: home } })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toContain(' = 876: right')
    expect(stdout).toContain('stopped; all of it happened')
    expect(readdirSync(home).filter((name) => name.startsWith('roost-demo-'))).toEqual([])
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
