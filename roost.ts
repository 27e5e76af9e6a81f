#!/usr/bin/env node
import { readFileSync } from 'node:fs'
// The default export: an old Node.js knows none of the names, and must come as far as being told so.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * The executable. `roost --version` is answered without loading anything else; an old Node.js is told so in one line; then
 * `sim` goes to the simulator, and everything else to the command line.
 */
const NODE_MAJOR_MIN = 24

const args = process.argv.slice(2)
const isBuilt = import.meta.url.endsWith('.js')

if (args.length === 1 && args[0] === '--version') process.stdout.write(`${version()}\n`)
else if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) refuseOldNode()
else await run()

function version(): string {
  const manifest = new URL(isBuilt ? '../package.json' : 'package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

function refuseOldNode(): void {
  const command = isBuilt ? 'npx roost' : './roost'
  process.stderr.write(
    `roost: this is Node.js ${process.versions.node}, and roost needs ${NODE_MAJOR_MIN} or newer (NODE_TOO_OLD)\n` +
      `run \`${command} ${args.join(' ')}\` where roost is installed: it uses the Node.js that came with it\n`,
  )
  process.exitCode = 1
}

async function run(): Promise<void> {
  module.enableCompileCache()
  // A reader that has seen enough, as in `roost nodes | head -1`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const [{ builtInPlugins }, { runCommandLine }] = await Promise.all([
    import('./node/main.ts'),
    import('./node/cli/index.ts'),
  ])
  const status = await runCommandLine(args, {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    entry: fileURLToPath(import.meta.url),
    version: version(),
    builtInPlugins,
    runDaemon: async (options) => (await import('./node/main.ts')).runDaemon(options, version()),
    runSimulator: async (simArgs) =>
      (await import('./sim/index.ts')).runSimCommand(simArgs, {
        loadCodec: () => import('./node/codec/index.ts'),
      }),
  })
  // What was written goes out first; what is still open after that must not keep a finished command alive.
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
  )
  process.exit(status)
}
