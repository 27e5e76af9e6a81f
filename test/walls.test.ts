import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** The walls are only worth what they catch: each is tried with a file that goes through it. */

const root = join(import.meta.dirname, '..')
const linter = join(root, 'node_modules/.bin/oxlint')
const compiler = join(root, 'node_modules/.bin/tsc')
let house: string

beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'roost-walls-'))
  cpSync(join(root, '.oxlintrc.json'), join(house, '.oxlintrc.json'))
})
afterAll(() => rmSync(house, { recursive: true, force: true }))

function lint(files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true })
    writeFileSync(join(house, path), text)
  }
  const { stdout, stderr } = spawnSync(linter, ['--format', 'unix'], { cwd: house, encoding: 'utf8' })
  for (const path of Object.keys(files)) rmSync(join(house, path))
  return stdout + stderr
}

const use = (what: string, from: string): string => `import { ${what} } from '${from}'\nexport const used = ${what}\n`

describe('each of these is red', () => {
  const violations: Record<string, [string, string]> = {
    'overlay imports a package': ['overlay/a/a.ts', use('level', 'level')],
    'overlay imports a module of Node': ['overlay/a/a.ts', use('readFileSync', 'node:fs')],
    'overlay imports aem': ['overlay/a/a.ts', use('x', '../../aem/index.ts')],
    'overlay reads the clock': ['overlay/a/a.ts', 'export const now = Date.now()\n'],
    'overlay draws chance': ['overlay/a/a.ts', 'export const drawn = Math.random()\n'],
    'overlay sets a timer': ['overlay/a/a.ts', 'setTimeout(() => {}, 1)\n'],
    'overlay prints': ['overlay/a/a.ts', "console.log('x')\n"],
    'a contract imports a package': ['overlay/contract/a.ts', use('z', 'zod')],
    'a contract runs code of hono': ['overlay/contract/a.ts', "import { Hono } from 'hono'\nexport type App = Hono\n"],
    'aem/protocol imports a package': ['aem/protocol/a.ts', use('z', 'zod')],
    'aem/protocol imports what acts': ['aem/protocol/a.ts', use('x', '../execution/index.ts')],
    'a folder of aem/protocol imports what acts': ['aem/protocol/a/a.ts', use('x', '../../execution/index.ts')],
    'aem/protocol reads the process': ['aem/protocol/a.ts', 'export const id = process.pid\n'],
    'aem imports node': ['aem/service/a.ts', use('x', '../../node/host/index.ts')],
    'aem imports xfs': ['aem/service/a.ts', use('x', '../../xfs/index.ts')],
    'aem speaks libp2p': ['aem/service/a.ts', use('x', '@libp2p/interface')],
    'aem goes past a door of overlay': ['aem/service/a.ts', use('x', '../../overlay/error/codes.ts')],
    'a folder of overlay goes past a door': ['overlay/a/a.ts', use('x', '../error/codes.ts')],
    'a folder of node goes past a door': ['node/daemon/a.ts', use('x', '../host/order.ts')],
    'a folder of aem goes past a door': ['aem/service/a.ts', use('x', '../execution/shim.ts')],
    'node imports a plugin': ['node/daemon/a.ts', use('x', '../../aem/index.ts')],
    'node imports sim': ['node/daemon/a.ts', use('x', '../../sim/index.ts')],
    'node outside of node/net speaks libp2p': ['node/daemon/a.ts', use('x', 'libp2p')],
    'node/main.ts imports a test': ['node/main.ts', use('x', '../test/a.ts')],
    'sim imports node': ['sim/a.ts', use('x', '../node/codec/index.ts')],
    'sim imports what acts in aem': ['sim/a.ts', use('x', '../aem/service/index.ts')],
    'sim speaks libp2p': ['sim/a.ts', use('x', '@libp2p/interface')],
  }
  for (const [name, [path, text]] of Object.entries(violations))
    test(name, () => expect(lint({ [path]: text })).toContain(path))

  test('two files that import each other', () => {
    const found = lint({
      'node/a.ts': "import { b } from './b.ts'\nexport const a = (): number => b()\n",
      'node/b.ts': "import { a } from './a.ts'\nexport const b = (): number => a()\n",
    })
    expect(found).toContain('no-cycle')
  })
})

test('the same things where they belong are green', () => {
  const found = lint({
    'overlay/a/a.ts': use('x', '../env/index.ts'),
    'overlay/contract/a.ts': "import type { Hono } from 'hono'\nexport type App = Hono\n",
    'aem/service/a.ts': use('x', '../../overlay/index.ts'),
    'aem/protocol/a/a.ts': use('x', '../ids.ts'),
    'node/net/a.ts': use('createLibp2p', 'libp2p'),
    'node/main.ts': use('plugin', '../aem/index.ts'),
    'sim/a.ts': use('x', '../aem/protocol/index.ts'),
  })
  expect(found).not.toMatch(/\.ts:/)
})

test('a pure folder knows no types of Node or of a browser', () => {
  const folder = join(house, 'pure')
  mkdirSync(folder)
  cpSync(join(root, 'tsconfig.base.json'), join(house, 'tsconfig.base.json'))
  writeFileSync(join(folder, 'a.ts'), 'export const id: number = process.pid\nexport const page = document\n')
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../tsconfig.base.json', include: ['*.ts'] }))
  const { stdout } = spawnSync(compiler, ['-p', folder, '--noEmit'], { encoding: 'utf8' })
  expect(stdout).toContain("'process'")
  expect(stdout).toContain("'document'")
})
