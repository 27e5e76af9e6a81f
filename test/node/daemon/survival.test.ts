import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** What nobody catches can only be tried in a process of its own. */
function run(script: string): Promise<{ status: number | null; stdout: string }> {
  const survival = join(import.meta.dirname, '../../../node/daemon/survival.ts')
  const log = '{ debug() {}, info() {}, warn() {}, error() {} }'
  const source = `import { surviveUncaught } from ${JSON.stringify(survival)}; const log = ${log};\n${script}`
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.once('close', (status) => resolve({ status, stdout }))
  })
}

test('the process goes on after errors that nobody caught, and counts them', async () => {
  const { status, stdout } = await run(`
    const survival = surviveUncaught(log, () => process.exit(9))
    setTimeout(() => { throw new Error('from a timer') }, 0)
    setTimeout(() => void Promise.reject(new Error('from a promise')), 0)
    setTimeout(() => console.log('alive after', survival.uncaughtCount), 50)
  `)
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'alive after 2\n' })
})

test('a process that does nothing but fail gives up, for its supervisor to start it anew', async () => {
  const { status } = await run(`
    surviveUncaught(log, () => process.exit(9))
    setInterval(() => { throw new Error('again') }, 0)
    setTimeout(() => {}, 30_000)
  `)
  expect(status).toBe(9)
})

test('after release an uncaught error ends the process as ever', async () => {
  const { status } = await run(`
    surviveUncaught(log, () => {}).release()
    process.stderr.write = () => true
    setTimeout(() => { throw new Error('unseen') }, 0)
    setTimeout(() => process.exit(0), 5_000)
  `)
  expect(status).toBe(1)
})
