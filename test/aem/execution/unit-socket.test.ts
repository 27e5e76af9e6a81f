import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { orderFor, run, startLauncher, temporaryDirectory } from './fixture.ts'

/** Sockets that are served by the test; `ended` has the paths of those whose units are over. */
function serving(): {
  serveJob: (path: string, job: { id: string; unit: string }) => Promise<{ end(): Promise<void> }>
  served: { path: string; job: { id: string; unit: string } }[]
  ended: string[]
} {
  const served: { path: string; job: { id: string; unit: string } }[] = []
  const ended: string[] = []
  return {
    served,
    ended,
    serveJob: async (path, job) => {
      served.push({ path, job })
      return { end: async () => void ended.push(path) }
    },
  }
}

describe('the socket of a unit', () => {
  test('lies beside its sandbox, is in its environment, and ends with it', async () => {
    const { serveJob, served, ended } = serving()
    const started = startLauncher({ serveJob })
    const order = orderFor('printf %s "$ROOST_SOCKET"')
    await run(started, order)
    const directory = started.launcher.directoryOf(order.unitId)
    expect(served).toEqual([{ path: join(directory.path, 'socket'), job: { id: order.jobId, unit: order.unitId } }])
    expect(readFileSync(directory.stream('stdout'), 'utf8')).toBe(served[0]!.path)
    expect(ended).toEqual([served[0]!.path])
  })

  test('lies among temporary files, in a private directory, where its path would be too long', async () => {
    const { serveJob, served, ended } = serving()
    const root = join(temporaryDirectory(), 'x'.repeat(100), 'units')
    const started = startLauncher({ serveJob, root })
    await run(started, orderFor('true'))
    const { path } = served[0]!
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103)
    expect(path.startsWith(root)).toBe(false)
    expect(ended).toEqual([path])
    await vi.waitFor(() => expect(existsSync(dirname(path))).toBe(false))
  })

  test('is opened again at the same path by a daemon that comes back, and ends when the unit does', async () => {
    const before = serving()
    const root = join(temporaryDirectory(), 'units')
    const first = startLauncher({ serveJob: before.serveJob, root })
    const [begun, gate] = [join(root, 'begun'), join(root, 'gate')]
    const order = orderFor(`: > ${begun}; while [ ! -e ${gate} ]; do sleep 0.05; done`)
    await first.launcher.start(order)
    await vi.waitFor(() => expect(existsSync(begun)).toBe(true), 10_000)
    first.launcher.close()
    const after = serving()
    const second = startLauncher({ serveJob: after.serveJob, root })
    expect(await second.launcher.recover()).toMatchObject([{ state: 'running' }])
    expect(after.served).toEqual(before.served)
    expect(before.ended).toEqual([])
    writeFileSync(gate, '')
    await second.exitOf(order.unitId)
    expect(after.ended).toEqual([after.served[0]!.path])
  })

  test('that cannot be served is missed by nobody who does not need it', async () => {
    const started = startLauncher({ serveJob: () => Promise.reject(new Error('no more sockets')) })
    const order = orderFor('printf %s "${ROOST_SOCKET-none}"')
    expect(await run(started, order)).toEqual({ kind: 'exited', code: 0 })
    expect(readFileSync(started.launcher.directoryOf(order.unitId).stream('stdout'), 'utf8')).toBe('none')
  })
})
