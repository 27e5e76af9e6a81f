import { Hono } from 'hono'
import type { GroupAsker, Plugin, RouteBindings } from '../../overlay/contract/index.ts'
import { asRoostError, shape } from '../../overlay/index.ts'
import { Blobs, type BlobCommand, type BlobDigest } from '../overlay/replica/blobs.ts'
import { Notes, type NoteCommand, type NoteQuery } from '../overlay/replica/notes.ts'

type BlobGroup = GroupAsker<BlobCommand, number | BlobDigest, null>
type NoteGroup = GroupAsker<NoteCommand, string, NoteQuery>

const TEXT = shape.text(1_048_576)

/** A plugin that keeps notes in replica groups, for tests and benches: its routes ask groups by their names. */
export const plugin: Plugin = {
  name: 'notes',
  version: '1.0.0',
  needs: [],
  provides: [],
  async start({ groups }) {
    await groups.register('notes', () => new Notes())
    const asked = new Map<string, NoteGroup>()
    const groupOf = (name: string): NoteGroup => {
      const group = asked.get(name) ?? groups.client<NoteCommand, string, NoteQuery>('notes', name, TEXT)
      asked.set(name, group)
      return group
    }
    await groups.register('blobs', () => new Blobs())
    const blobs = groups.client<BlobCommand, number | BlobDigest, null>(
      'blobs',
      'blobs',
      (value) => value as BlobDigest,
    )
    const app = new Hono<RouteBindings>()
    const route = (path: string, answer: (body: any) => Promise<object>): void => {
      app.post(path, async (context) => {
        try {
          return context.json(await answer(await context.req.json()))
        } catch (thrown) {
          const { code, certain, message } = asRoostError(thrown)
          return context.json({ code, certain, message })
        }
      })
    }
    route('/create', async ({ name, members }) => ({ id: await groups.create('notes', name, { members }) }))
    route('/execute', async ({ name, command, timeoutMs = 10_000 }) => ({
      text: await groupOf(name).execute(command, { timeoutMs }),
    }))
    route('/read', async ({ name, key, timeoutMs = 10_000 }) => ({
      text: await groupOf(name).read({ key }, { timeoutMs }),
    }))
    route('/change', async ({ name, action, peer }) => {
      await groupOf(name).change(action, peer, { timeoutMs: 10_000 })
      return {}
    })
    route('/list', async () => ({ groups: groups.list() }))
    route('/load', async ({ name, count, inFlight, text }) => load(groupOf(name), { count, inFlight, text }))
    route('/blobs/create', async ({ members }) => ({ id: await groups.create('blobs', 'blobs', { members }) }))
    route('/blobs/fill', (given) => fill(blobs, given))
    route('/blobs/digest', async () => ({ digest: await blobs.read(null, { timeoutMs: 60_000 }) }))
    route('/blobs/hand-over', async ({ to }) => {
      await blobs.handOver(to, { timeoutMs: 10_000 })
      return {}
    })
    return { routes: { app, describe: () => ({ paths: {}, schemas: {} }) }, stop: async () => undefined }
  },
}

/** Commands one after another in each of `inFlight` rows; how long each took, and all together. */
async function load(group: NoteGroup, { count, inFlight, text }: { count: number; inFlight: number; text: string }) {
  const latenciesMs: number[] = []
  let left = count
  const row = async (number: number): Promise<void> => {
    while (left-- > 0) {
      const sinceMs = performance.now()
      await group.execute({ type: 'put', key: `${number}`, text }, { timeoutMs: 30_000 })
      latenciesMs.push(performance.now() - sinceMs)
    }
  }
  const sinceMs = performance.now()
  await Promise.all(Array.from({ length: inFlight }, (_, number) => row(number)))
  return { elapsedMs: performance.now() - sinceMs, latenciesMs }
}

/** So many rows of so many bytes, by so many commands at once; how long each took. */
async function fill(
  group: BlobGroup,
  {
    from,
    count,
    bytes,
    filler,
    inFlight,
  }: Record<'from' | 'count' | 'bytes' | 'inFlight', number> & { filler: string },
) {
  const latenciesMs: number[] = []
  let next = from
  const row = async (): Promise<void> => {
    for (let number = next++; number < from + count; number = next++) {
      const sinceMs = performance.now()
      await group.execute({ key: `row ${number}`, bytes, filler }, { timeoutMs: 60_000 })
      latenciesMs.push(performance.now() - sinceMs)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, row))
  return { latenciesMs }
}
