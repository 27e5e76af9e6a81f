import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EXIT_RECORD_BLANK, shimArguments } from '../../../aem/execution/shim.ts'
import { temporaryDirectory } from './fixture.ts'

/** Longer than the whole test takes, unless a shim waits for it. */
const LIMIT_MS = 20_000
const ROUNDS_COUNT = 20
const AT_ONCE_COUNT = 10

test('a quick unit does not seem to run until its time limit', async () => {
  const root = temporaryDirectory()
  const run = async (name: string): Promise<number> => {
    const dir = join(root, name)
    mkdirSync(dir)
    writeFileSync(join(dir, 'exit'), EXIT_RECORD_BLANK)
    const limits = { timeMs: LIMIT_MS, memoryBytes: undefined, graceMs: 100 }
    const args = shimArguments({ dir, path: process.env['PATH']!, run: ['true'], ...limits })
    const startedAtMs = performance.now()
    const shim = spawn('/bin/sh', args, { detached: true, stdio: 'ignore' })
    await new Promise((resolve) => shim.once('exit', resolve))
    expect(readFileSync(join(dir, 'exit'), 'utf8')).toMatch(/^exited 0 \./)
    return performance.now() - startedAtMs
  }
  for (let round = 0; round < ROUNDS_COUNT; round++) {
    const lengthsMs = await Promise.all(Array.from({ length: AT_ONCE_COUNT }, (_, index) => run(`${round}.${index}`)))
    expect(Math.max(...lengthsMs)).toBeLessThan(LIMIT_MS)
  }
})
