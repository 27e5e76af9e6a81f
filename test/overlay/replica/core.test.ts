import { expect, test } from 'vitest'
import { MemoryDisk, REPLICA_DEFAULTS, type Entry, type ReplicaEvent } from '../../../overlay/replica/index.ts'
import { ReplicaCore } from '../../../overlay/replica/core.ts'
import type { ReplicaEnv } from '../../../overlay/replica/events.ts'
import { StateMachine } from '../../../overlay/replica/state-machine.ts'
import { Notes } from './notes.ts'

const SELF = 'us'
const INCARNATION = 7

/** Who was a voter after each entry of the log that a restarted replica finds on its disk. */
function mayStand(...voters: readonly (readonly string[])[]): boolean {
  const entries = voters.map((peers, place): Entry => ({
    index: place + 1,
    term: 1,
    atMs: 0,
    type: 'members',
    configuration: { voters: peers.map((peer) => ({ peer, incarnation: INCARNATION })), learners: [] },
  }))
  const nothing = (): void => undefined
  const core = new ReplicaCore(
    'group',
    { hardState: { term: 1, incarnation: INCARNATION }, entries },
    {
      env: { self: SELF, emit: (_event: ReplicaEvent) => undefined } as ReplicaEnv,
      storage: new MemoryDisk().storage({ after: nothing, delayMs: () => 1 }),
      machine: new StateMachine(new Notes()),
      onHeld: nothing,
      onSaved: nothing,
      onApplied: nothing,
      onCommitted: nothing,
      onFailed: nothing,
      onMoreToApply: nothing,
    },
    REPLICA_DEFAULTS,
  )
  return core.mayStand
}

test('a voter may stand for election, and nobody who never was one', () => {
  expect(mayStand(['a', SELF])).toBe(true)
  expect(mayStand(['a'], ['a', 'b'])).toBe(false)
})

test('who was made a voter and put out again, since it last knew what is committed, may stand: others may lack its log', () => {
  expect(mayStand(['a'], ['a', SELF], ['a'])).toBe(true)
})
