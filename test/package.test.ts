import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** What people get from the registry: built, packed, installed into an empty folder, run with the Node.js that it brings. */

const root = join(import.meta.dirname, '..')
const INSTALL_MS_MAX = 300_000
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'roost-package-'))
  const run = (command: string, args: string[], cwd: string): void =>
    void execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  run('npm', ['pack', '--pack-destination', folder], root)
  const [tarball] = readdirSync(folder)
  mkdirSync(join(folder, 'app'))
  run('npm', ['init', '-y'], join(folder, 'app'))
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball!)], join(folder, 'app'))
}, INSTALL_MS_MAX)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function npxRoost(...args: string[]): string {
  return execFileSync('npx', ['--no-install', 'roost', ...args], { cwd: join(folder, 'app'), encoding: 'utf8' })
}

test('says its version', () => {
  expect(npxRoost('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('evaluates an expression, and knows the commands of its plugins', () => {
  expect(npxRoost('expr', '2 + 3')).toBe('5\n')
  expect(npxRoost('help')).toContain('submit')
})

test('has a client for programs', () => {
  const script = "import('roost-grid/client').then(({ connect }) => console.log(typeof connect))"
  expect(
    execFileSync('npx', ['--no-install', 'node', '--eval', script], { cwd: join(folder, 'app'), encoding: 'utf8' }),
  ).toBe('function\n')
})

test('starts a daemon and runs a job', () => {
  const env = { ...process.env, ROOST_DEV_DIR: join(folder, 'dev') }
  const roost = (...args: string[]): string =>
    execFileSync('npx', ['--no-install', 'roost', ...args], { cwd: join(folder, 'app'), env, encoding: 'utf8' })
  roost('dev', 'up', '-n', '1')
  try {
    expect(roost('run', '--', 'echo', 'built')).toBe('built\n')
  } finally {
    roost('dev', 'down')
  }
})

test('demonstrates itself', () => {
  const output = npxRoost('dev', 'demo')
  expect(output).toContain(': right')
  expect(output).toContain('stopped; all of it happened')
}, 120_000)

test('holds what is meant to be published and nothing else', () => {
  const listed = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
  )
  const files = (listed[0] ?? Object.values(listed)[0]).files.map(({ path }: { path: string }) => path) as string[]
  expect(files).toEqual(expect.arrayContaining(['dist/roost.js', 'examples/wordcount.yaml', 'examples/mariner.txt']))
  expect(files.filter((path) => /^(test|bench|scripts|\.)|tsbuild|\.test\./.test(path))).toEqual([])
  expect(files.filter((path) => /\.ts$/.test(path) && !path.endsWith('.d.ts'))).toEqual([])
})
