import { expect, test } from 'vitest'
import { JobBoard, type BoardCommand, type JobEvent } from '../../../aem/protocol/index.ts'

const HOME = '12D3KooWJ2sZ9LSRm3Hnkhome11111111111111111111111111'
const OTHER = '12D3KooWJ2sZ9LSRm3Hnkother1111111111111111111111111'
const STRANGER = '12D3KooWJ2sZ9LSRm3Hnkstranger1111111111111111111111'
const JOB = '0123456789abcdefghjkmnpqrs'

const mandate = { home: HOME, holders: [HOME, OTHER], signature: new Uint8Array(64) }

/** A founded board, and who applies commands to it, each at the next place of the group's log. */
function founded(): { board: JobBoard; apply: (peer: string, command: BoardCommand) => number } {
  const board = new JobBoard()
  let index = 0
  const apply = (peer: string, command: BoardCommand): number =>
    board.apply(board.command(structuredClone(command), 'command'), { peer, index: ++index, atMs: 0 }).epoch
  apply(HOME, { type: 'found', mandate })
  return { board, apply }
}

function event(number: number, reason = `event ${number}`): JobEvent {
  return { type: 'queued', number, atMs: 1, reason }
}

function append(epoch: number, serial: number, ...events: JobEvent[]): BoardCommand {
  return { type: 'append', epoch, serial, jobId: JOB, events }
}

test('only a home founds its board, and only whom it named holds it', () => {
  const { board, apply } = founded()
  expect(() => apply(STRANGER, { type: 'found', mandate: { ...mandate, home: STRANGER } })).toThrow('only its home')
  expect(() => new JobBoard().apply({ type: 'found', mandate }, { peer: OTHER, index: 1, atMs: 0 })).toThrow(
    'by its home',
  )
  expect(() => apply(STRANGER, { type: 'lead' })).toThrow('may not hold')
  apply(OTHER, { type: 'lead' })
  expect(board.head).toMatchObject({ holder: OTHER, mandate: { home: HOME } })
})

test('who was taken over can write nothing more, whatever he believes', () => {
  const { board, apply } = founded()
  const first = apply(HOME, { type: 'lead' })
  apply(HOME, append(first, 1, event(1)))
  const second = apply(OTHER, { type: 'lead' })
  expect(second).toBeGreaterThan(first)
  const late = [append(first, 2, event(2)), { type: 'remove', epoch: first, jobId: JOB } as const]
  for (const command of late)
    expect(() => apply(HOME, command)).toThrow(expect.objectContaining({ code: 'CONTROLLER_SUPERSEDED' }))
  expect(() => apply(HOME, append(second, 2, event(2)))).toThrow('holds this board')
  apply(OTHER, append(second, 1, event(2)))
  expect(board.log(JOB, 1)).toEqual([event(1), event(2)])
})

test('a holder that was not told that its word landed says another in its place, and the first cannot come back', () => {
  const { board, apply } = founded()
  const epoch = apply(HOME, { type: 'lead' })
  apply(HOME, append(epoch, 1, event(1)))
  apply(HOME, append(epoch, 2, event(2, 'landed, but nobody knows')))
  apply(HOME, append(epoch, 3, event(2, 'said instead')))
  expect(() => apply(HOME, append(epoch, 2, event(2, 'landed, but nobody knows')))).toThrow('later word')
  expect(board.log(JOB, 2)).toEqual([event(2, 'said instead')])
  // What an earlier holder wrote is decided.
  const next = apply(OTHER, { type: 'lead' })
  expect(() => apply(OTHER, append(next, 1, event(2, 'undone')))).toThrow('does not follow')
  expect(() => apply(OTHER, append(next, 1, event(4)))).toThrow('does not follow')
  expect(() => apply(OTHER, append(next, 1, event(3), event(5)))).toThrow('does not follow')
})

test('a board that was restored from a snapshot goes on as the one that it was taken of', () => {
  const { board, apply } = founded()
  const epoch = apply(HOME, { type: 'lead' })
  for (let number = 1; number <= 12; number++) apply(HOME, append(epoch, number, event(number)))
  const homes: string[] = []
  const removed: string[] = []
  const copy = new JobBoard({ onHome: (home) => void homes.push(home), onRemoved: (id) => void removed.push(id) })
  const take = copy.restore()
  for (const chunk of board.snapshot()) take(structuredClone(chunk))
  expect(homes).toContain(HOME)
  expect(copy.head).toEqual(board.head)
  expect(copy.log(JOB, 1)).toEqual(board.log(JOB, 1))
  for (const one of [board, copy]) one.apply(append(epoch, 13, event(13)), { peer: HOME, index: 20, atMs: 0 })
  expect(copy.log(JOB, 12)).toEqual(board.log(JOB, 12))
  copy.apply({ type: 'remove', epoch, jobId: JOB }, { peer: HOME, index: 21, atMs: 0 })
  expect([copy.jobs(), copy.log(JOB, 1), removed]).toEqual([[], [], [JOB]])
})
