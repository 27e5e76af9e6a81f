import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Level } from 'level'
import { DaemonClient } from '../../support/daemon.ts'
import { Machine, until } from '../../support/machine.ts'
import { NO_MOUNT, SmallDisk } from '../../support/small-disk.ts'

/** Real daemons on disks that are full, cannot be written, or have been damaged. */

function machineOn(settings: Readonly<Record<string, string>> = {}): Machine {
  const machine = new Machine(settings)
  onTestFinished(() => machine.end())
  return machine
}

function smallDisk(kib: number): SmallDisk | undefined {
  const disk = SmallDisk.mount(kib)
  if (disk) onTestFinished(() => disk.unmount())
  return disk
}

/** One line that says what happened with its code, one that says what to do, and no stack. */
function clearly(code: string): unknown {
  return expect.stringMatching(new RegExp(`^roost: [^\\n]+\\(${code}[^\\n]*\\)\\n[^\\n]+\\n$`))
}

describe('a full disk', () => {
  test('at start is told, and what was made before does not stand in the way once there is space', async (context) => {
    const disk = smallDisk(1_024)
    if (disk === undefined) return context.skip(NO_MOUNT)
    const machine = machineOn({ ROOST_DATA: join(disk.path, 'data') })
    disk.fill()
    for (const args of [['up'], ['up', '--detach']])
      expect(await machine.run(...args)).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringContaining('DISK_FULL'),
      })
    disk.free()
    await machine.up()
  })

  test('refuses new jobs, keeps those that were acknowledged, also over kill -9, and is over when there is space', async (context) => {
    const disk = smallDisk(4_096)
    if (disk === undefined) return context.skip(NO_MOUNT)
    const machine = machineOn({ ROOST_DATA: join(disk.path, 'data') })
    const daemon = new DaemonClient(machine)
    const file = join(machine.home, 'job.yaml')
    writeFileSync(file, 'run: echo hi\n')
    // Detached: then its log is on the full disk too.
    await machine.json('up', '--detach')
    onTestFinished(async () => void (await machine.run('down')))
    const { pid } = await daemon.status()
    const acknowledged: string[] = []
    const submit = async (): Promise<boolean> => {
      const { status, stdout, stderr } = await machine.run('submit', file)
      if (status === 0) acknowledged.push(stdout.trim())
      else expect({ status, stderr }).toEqual({ status: 1, stderr: clearly('DISK_FULL') })
      return status === 0
    }
    await submit()
    await until('the first is done', async () => (await daemon.job(acknowledged[0]!)).state === 'done')
    disk.fill()
    // One or the other may still find room in a file that has begun.
    await until('jobs are refused', async () => !(await submit()))
    for (const command of [['ps', '--all'], ['nodes'], ['find', 'true'], ['doctor'], ['show', acknowledged[0]!]])
      expect([command, (await machine.run(...command)).status]).toEqual([command, command[0] === 'doctor' ? 1 : 0])
    expect(await submit()).toBe(false)

    disk.free()
    await until('jobs are taken again', submit)
    for (let count = 0; count < 3; count++) expect(await submit()).toBe(true)
    expect((await daemon.status()).pid).toBe(pid)
    // What was acknowledged ends: well, or, where its unit found no room, with that said.
    const ended: { readonly id: string; readonly state: string; readonly reason?: string }[] = []
    for (const id of acknowledged) {
      await until(`${id} has ended`, async () => ['done', 'failed'].includes((await daemon.job(id)).state))
      ended.push(await daemon.job(id))
    }
    for (const { state, reason } of ended) if (state !== 'done') expect(reason).toContain('ENOSPC')
    for (const index of [0, -1, -2, -3]) expect(ended.at(index)!.state).toBe('done')

    process.kill(pid, 'SIGKILL')
    await machine.json('up', '--detach')
    for (const { id, state } of ended) expect(await daemon.job(id)).toMatchObject({ id, state })
  })

  test('that units fill is their failure, and not their daemon’s', async (context) => {
    const disk = smallDisk(4_096)
    if (disk === undefined) return context.skip(NO_MOUNT)
    const machine = machineOn({ ROOST_DATA: join(disk.path, 'data') })
    const daemon = new DaemonClient(machine)
    await machine.up()
    const run = await machine.run('run', '--', 'sh', '-c', 'cat /dev/zero > big || { rm big; exit 3; }')
    expect(run.status).toBe(3)
    expect(await daemon.isUp()).toBe(true)
    expect((await machine.run('run', '--', 'echo', 'well')).stdout).toBe('well\n')
  })
})

describe('a directory that cannot be written', () => {
  test('since its disk is read-only is told, and nothing is changed in it', async (context) => {
    const disk = smallDisk(2_048)
    if (disk === undefined) return context.skip(NO_MOUNT)
    const machine = machineOn({ ROOST_DATA: join(disk.path, 'data') })
    const daemon = await machine.up()
    await machine.kill(daemon, 'SIGTERM')
    disk.makeReadOnly(true)
    expect(await machine.run('up')).toMatchObject({ status: 1, stderr: clearly('DIRECTORY_UNWRITABLE') })
    disk.makeReadOnly(false)
    await machine.up()
  })

  test.each(['db', 'vo', 'node.key', 'roost.sock', 'api.token'])(
    'since something stands in the place of %s is told',
    async (name) => {
      const machine = machineOn()
      const path = join(machine.dataDir, name)
      mkdirSync(machine.dataDir, { mode: 0o700 })
      // A file where a directory belongs, and the other way round.
      if (name.includes('.')) mkdirSync(join(path, 'in-the-way'), { recursive: true })
      else writeFileSync(path, 'in the way')
      const { status, stderr } = await machine.run('up')
      expect({ status, stderr: stderr.split('\n').filter((line) => !line.startsWith('{')) }).toEqual({
        status: 1,
        stderr: [
          expect.stringMatching(/^roost: .*\((DIRECTORY_UNWRITABLE|STORE_FAILED|KEY_INVALID).*\)$/),
          expect.stringMatching(/./),
          '',
        ],
      })
    },
  )
})

describe('damage', () => {
  /** The data of a daemon that has made a grid, kept a label and run a job. */
  let pristine: Machine
  beforeAll(async () => {
    pristine = new Machine()
    const daemon = await pristine.up()
    await pristine.run('node', 'label', 'colour=red')
    await pristine.run('run', '--', 'true')
    await pristine.kill(daemon, 'SIGTERM')
  })
  afterAll(() => pristine.end())

  /** Another machine with the same data, to be damaged. */
  function startedOnce(): Machine {
    const machine = machineOn()
    cpSync(pristine.home, machine.home, { recursive: true })
    return machine
  }

  function flip(path: string): void {
    const bytes = readFileSync(path)
    for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 8))) bytes[at]! ^= 0x55
    const file = openSync(path, 'r+')
    writeSync(file, bytes)
    closeSync(file)
  }

  /** Starts it in the foreground; it either runs, or says in one line and a hint why not. */
  async function startsOrSays(machine: Machine): Promise<'runs' | string> {
    try {
      const daemon = await machine.up()
      await machine.kill(daemon, 'SIGTERM')
      return 'runs'
    } catch (error) {
      const lines = (error as Error).message.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
      const [ended, what, hint, ...more] = lines
      expect(ended).toMatch(/^the daemon ended with [1-7]:$/)
      expect(what).toMatch(/^roost: .+\([A-Z_]+/)
      expect(hint).toMatch(/\S/)
      expect(more).toEqual([])
      return /\(([A-Z_]{3,})[^()]*\)$/.exec(what!)![1]!
    }
  }

  test.each([
    ['node.key', /^KEY_|^CREDENTIAL_INVALID$/],
    ['vo/node.crt', /^CREDENTIAL_INVALID$/],
    ['vo/authority.crt', /^CREDENTIAL_INVALID$/],
    ['vo/grid.json', /^CREDENTIAL_INVALID$/],
    ['vo/authority.key', /^KEY_|^CREDENTIAL_INVALID$/],
  ])('of %s is told, and the file is left as it is', async (name, codes) => {
    const machine = startedOnce()
    const path = join(machine.dataDir, name)
    flip(path)
    const damaged = readFileSync(path)
    expect(await startsOrSays(machine)).toMatch(codes)
    expect(readFileSync(path)).toEqual(damaged)
  })

  test.each(['db', 'plugins/aem/database'])(
    'of the files in %s is told, or does not matter; nothing is removed',
    async (name) => {
      for (const kind of [/^CURRENT$/, /^MANIFEST/, /\.log$|\.ldb$/]) {
        const machine = startedOnce()
        const directory = join(machine.dataDir, name)
        const files = readdirSync(directory).filter((file) => kind.test(file))
        for (const file of files) flip(join(directory, file))
        const outcome = await startsOrSays(machine)
        expect(outcome).toMatch(/^(runs|STORE_FAILED)$/)
      }
    },
  )

  test('of what a node remembers of the grid costs what it remembers and no more', async () => {
    const machine = startedOnce()
    const db = new Level<string, Uint8Array>(join(machine.dataDir, 'db'), { valueEncoding: 'view' })
    await db.open()
    const keys = await db.keys().all()
    expect(keys).toEqual(expect.arrayContaining(['!node!discovery', '!node!labels']))
    for (const key of keys) await db.put(key, Uint8Array.of(0x9f, 0xff, 1, 2, 3, key.length))
    for (const key of ['!node!discovery', '!node!labels']) await db.put(key, Uint8Array.of(0xa1, 0x61, 0x61, 0x01))
    await db.close()
    const daemon = new DaemonClient(machine)
    await machine.up()
    expect(await daemon.names('alive')).toHaveLength(1)
    expect((await machine.json('invite')).ticket).toEqual(expect.any(String))
    expect((await machine.run('node', 'label', 'colour=blue')).status).toBe(0)
    expect((await machine.json('find', 'colour == "blue"')).nodes).toHaveLength(1)
  })
})
