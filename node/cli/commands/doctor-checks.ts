import { mkdtemp, readdir, rmdir, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { formatBytes } from '../quantity.ts'
import type { DoctorReply } from '../../surface/index.ts'

export type Check = DoctorReply['checks'][number]

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

/** What can be told of this machine without a daemon. What is tried out is undone. */
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
  const cause = await tryToWrite(existing)
  if (cause)
    return [
      {
        name: 'data',
        state: 'failed',
        detail: `${dataDir} cannot be written: ${cause}`,
        hint: 'choose another directory with --data or ROOST_DATA, or mend its permissions',
      },
    ]
  const { bavail, bsize } = await statfs(existing)
  const freeBytes = bavail * bsize
  const state = freeBytes < FREE_BYTES_FAIL ? 'failed' : freeBytes < FREE_BYTES_WARN ? 'warning' : 'ok'
  return [
    { name: 'data', state: 'ok', detail: `${dataDir} can be ${existing === dataDir ? 'written' : 'made'}` },
    {
      name: 'disk',
      state,
      detail: `${formatBytes(freeBytes)} free at ${existing}`,
      ...(state !== 'ok' && { hint: 'free some space, or move the data directory with --data' }),
    },
  ]
}

async function nearestExisting(path: string): Promise<string> {
  let existing = path
  while (existing !== dirname(existing) && !(await stat(existing).catch(() => undefined))) existing = dirname(existing)
  return existing
}

/** Why nothing can be made in this directory; undefined where it can. Permissions alone do not tell: the system does. */
async function tryToWrite(dir: string): Promise<string | undefined> {
  try {
    await rmdir(await mkdtemp(join(dir, '.roost-doctor-')))
    return undefined
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? String(cause)
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
      if (address === '::' && !isTaken)
        return resolve({ name: 'port', state: 'ok', detail: `${where} is left out: this machine has no IPv6` })
      resolve({
        name: 'port',
        state: 'failed',
        detail: isTaken ? `${where} is taken by another program` : `cannot listen on ${where}: ${cause.code}`,
        hint: isTaken
          ? 'choose another with --port, or `port` in the configuration; 0 takes any free one'
          : 'choose an address of this machine with --listen, or `listen` in the configuration',
      })
    })
    server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(':') }, () =>
      server.close(() => resolve({ name: 'port', state: 'ok', detail: `${where} is free` })),
    )
  })
}
