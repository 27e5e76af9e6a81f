import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { formatBytes } from '../quantity.ts'
import type { Check } from './doctor.ts'

export interface LocalChecksOptions {
  readonly dataDir: string
  readonly userDir: string
  readonly listen: readonly string[]
  readonly port: number
  readonly daemonRuns: boolean
}

/** Below this the database may fail at any moment; below the second, soon. */
const FREE_BYTES_FAIL = 64 * 1024 ** 2
const FREE_BYTES_WARN = 1024 ** 3

const NODE_MAJOR_MIN = 24

/** What can be told of this machine without a daemon. Nothing is changed. */
export async function localChecks(options: LocalChecksOptions): Promise<Check[]> {
  return [
    checkNode(),
    ...(await checkDataDir(options.dataDir)),
    ...(await checkKeys([options.dataDir, options.userDir])),
    ...(options.daemonRuns || options.port === 0
      ? []
      : await Promise.all(options.listen.map((address) => checkPort(address, options.port)))),
  ]
}

function checkNode(): Check {
  const version = process.versions.node
  const isNewEnough = Number(version.split('.')[0]) >= NODE_MAJOR_MIN
  return {
    name: 'node',
    state: isNewEnough ? 'ok' : 'failed',
    detail: `Node.js ${version}`,
    ...(!isNewEnough && { hint: 'use the Node.js that comes with roost: `./roost` or `npx roost`' }),
  }
}

async function checkDataDir(dataDir: string): Promise<Check[]> {
  const existing = await nearestExisting(dataDir)
  const missing = existing === dataDir ? '' : ' (it will be made)'
  try {
    await access(existing, constants.W_OK | constants.X_OK)
  } catch {
    return [
      {
        name: 'data',
        state: 'failed',
        detail: `${dataDir} cannot be written`,
        hint: 'choose another directory with --data or ROOST_DATA, or mend its permissions',
      },
    ]
  }
  const { bavail, bsize } = await statfs(existing)
  const freeBytes = bavail * bsize
  const state = freeBytes < FREE_BYTES_FAIL ? 'failed' : freeBytes < FREE_BYTES_WARN ? 'warning' : 'ok'
  return [
    { name: 'data', state: 'ok', detail: `${dataDir} can be written${missing}` },
    {
      name: 'disk',
      state,
      detail: `${formatBytes(freeBytes)} free at ${existing}`,
      ...(state !== 'ok' && { hint: 'free some space, or move the data directory with --data' }),
    },
  ]
}

async function nearestExisting(path: string): Promise<string> {
  for (let dir = path; ; dir = dirname(dir)) {
    if (
      await stat(dir).then(
        (found) => found.isDirectory(),
        () => false,
      )
    )
      return dir
    if (dir === dirname(dir)) return dir
  }
}

/** Whatever looks like a key is for its owner's eyes alone. */
async function checkKeys(dirs: readonly string[]): Promise<Check[]> {
  const open: string[] = []
  let count = 0
  for (const dir of dirs)
    for (const name of await readdir(dir).catch(() => [] as string[])) {
      if (!name.endsWith('.key') && !name.endsWith('.token')) continue
      count++
      const file = join(dir, name)
      if (((await stat(file)).mode & 0o077) !== 0) open.push(file)
    }
  if (count === 0) return []
  const detail = open.length > 0 ? `others can read ${open.join(', ')}` : `${count} key files, readable by you alone`
  return [
    {
      name: 'keys',
      state: open.length > 0 ? 'failed' : 'ok',
      detail,
      ...(open.length > 0 && { hint: `chmod 600 ${open.join(' ')}` }),
    },
  ]
}

/** Listens for a moment: the system alone knows whether that works. */
function checkPort(address: string, port: number): Promise<Check> {
  const where = `port ${port} on ${address}`
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE'
      resolve({
        name: 'port',
        state: 'failed',
        detail: isTaken ? `${where} is taken by another program` : `cannot listen on ${where}: ${cause.code}`,
        hint: isTaken
          ? 'choose another with --port, or `port` in the configuration; 0 takes any free one'
          : 'choose an address of this machine with --listen, or `listen` in the configuration',
      })
    })
    server.listen({ host: address, port, exclusive: true }, () =>
      server.close(() => resolve({ name: 'port', state: 'ok', detail: `${where} is free` })),
    )
  })
}
