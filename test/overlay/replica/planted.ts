import { ReplicaCore } from '../../../overlay/replica/core.ts'
import type { ReplicaStorage } from '../../../overlay/replica/index.ts'
import { Leadership } from '../../../overlay/replica/leadership.ts'
import { MemberChanges } from '../../../overlay/replica/member-changes.ts'
import { ReadQueue } from '../../../overlay/replica/reads.ts'
import { Sessions } from '../../../overlay/replica/sessions.ts'
import type { ProfileName } from './faults.ts'
import type { Plants } from './group-run.ts'

/** Mistakes that people have made in Raft, each put in from outside. */
export interface PlantedBug {
  readonly name: string
  /** The profile of faults that shows it best. */
  readonly profile: ProfileName
  readonly plants?: Plants
  /** Replaces a part of the protocol, and returns how to put it back. */
  readonly plant?: () => () => void
}

export const PLANTED: readonly PlantedBug[] = [
  {
    name: 'entries and votes are acknowledged before they are on the disk',
    profile: 'everything, three members',
    plants: {
      storage: lying,
    },
  },
  {
    name: 'a vote is forgotten over a restart',
    profile: 'many candidates at once',
    plants: {
      stored: (stored) => ({
        ...stored,
        hardState: { term: stored.hardState.term, incarnation: stored.hardState.incarnation },
      }),
    },
  },
  {
    name: 'candidates boast of their logs',
    profile: 'everything, five members',
    plants: {
      message: (message) =>
        message.type === 'ask-vote' ? { ...message, lastIndex: 1_000_000, lastTerm: 1_000_000 } : message,
    },
  },
  {
    name: 'a voter gives its vote to all who ask',
    profile: 'many candidates at once',
    plant: () => getting(ReplicaCore.prototype, 'votedFor', () => undefined),
  },
  {
    name: 'entries of older terms are committed by counting',
    profile: 'leaders that come and go, entries one by one',
    plant: () => replacing(Leadership.prototype, 'mayCommit', () => true),
  },
  {
    name: 'reads are answered without asking whether we still lead',
    profile: 'leaders that are cut off while clients reach them',
    plant: () =>
      replacing(
        ReadQueue.prototype,
        'isReady',
        (read, _round, appliedIndex) => read !== undefined && read.index <= appliedIndex,
      ),
  },
  {
    name: 'a command that was sent twice is applied twice',
    profile: 'everything, five members',
    plant: () => replacing(Sessions.prototype, 'recall', () => undefined),
  },
  {
    name: 'snapshots leave out what was answered',
    profile: 'everything, three members',
    plant: () => {
      const { copy } = Sessions.prototype
      return replacing(Sessions.prototype, 'copy', function (this: Sessions) {
        return { ...copy.call(this), results: [] }
      })
    },
  },
  {
    name: 'members change while a change is under way',
    profile: 'members come and go',
    plant: () => replacing(MemberChanges.prototype, 'isUnderWay', () => false),
  },
  {
    name: 'who lost a disk says that it is who it was',
    profile: 'everything, five members',
    plants: {
      loseDisk: (disk) => {
        const incarnation = disk.stored?.hardState.incarnation
        disk.erase()
        if (incarnation === undefined) return
        const storage = disk.storage({ after: (_delayMs, run) => run(), delayMs: () => 0 })
        storage.persist({ hardState: { term: 0, incarnation } }, () => undefined)
      },
    },
  },
]

/** Only of snapshots it says the truth, so that these can be read. What it says comes in order all the same. */
function lying(storage: ReplicaStorage, after: (run: () => void) => void): ReplicaStorage {
  const told: { isSettled: boolean; readonly settled: () => void }[] = []
  const tell = (): void => {
    while (told[0]?.isSettled) told.shift()!.settled()
  }
  return {
    readChunk: storage.readChunk,
    persist: (write, settled) => {
      const entry = { isSettled: false, settled }
      told.push(entry)
      const settle = (): void => {
        entry.isSettled = true
        tell()
      }
      const isTrue = write.chunk !== undefined || write.snapshot !== undefined
      storage.persist(write, isTrue ? settle : () => undefined)
      if (!isTrue) after(settle)
    },
  }
}

function replacing<Part extends object, Name extends keyof Part>(part: Part, name: Name, by: Part[Name]): () => void {
  const original = part[name]
  part[name] = by
  return () => {
    part[name] = original
  }
}

function getting<Part extends object, Name extends keyof Part>(
  part: Part,
  name: Name,
  get: () => Part[Name],
): () => void {
  const original = Object.getOwnPropertyDescriptor(part, name)!
  Object.defineProperty(part, name, { ...original, get })
  return () => Object.defineProperty(part, name, original)
}
