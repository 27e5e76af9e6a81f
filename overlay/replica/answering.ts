import type { PeerId } from '../env/index.ts'
import { asRoostError, RoostError, type ErrorRecord } from '../error/index.ts'
import type { EntryContent } from './entry.ts'
import type { Taken } from './leadership.ts'
import type { ChangeEnd } from './member-changes.ts'
import type { Replica } from './replica.ts'
import type { ReplicaReply, ReplicaRequest } from './requests.ts'

type Reply = (reply: ReplicaReply) => void

/** Answers a client's request, once there is an answer. What a client may not do, or nobody can, is `failed`. */
export function answerRequest(
  replica: Replica,
  from: PeerId,
  request: ReplicaRequest,
  mayManage: boolean,
  reply: Reply,
): void {
  const { leadership } = replica
  if (leadership === undefined) return reply(notLeader(replica))
  const taken = ((): Taken => {
    switch (request.type) {
      case 'open':
        return propose(replica, { type: 'open', peer: from }, reply)
      case 'command':
        return command(replica, from, request, reply)
      case 'read':
        return leadership.whenCurrent(() =>
          reply(leadership.isOver ? notLeader(replica) : replica.core.machine.read(request.query, from)),
        )
      case 'change':
        if (!mayManage) return refuse(reply)
        return leadership.change(request, (end) => reply(replyToChange(replica, end)))
      case 'hand-over':
        if (!mayManage) return refuse(reply)
        return leadership.handOver(request.to, (isDone) => reply(isDone ? DONE : { type: 'busy' }))
    }
  })()
  if (taken === 'busy') reply({ type: 'busy' })
  else if (taken === 'not-leader') reply(notLeader(replica))
}

const DONE = { type: 'done', result: null } as const

function command(
  replica: Replica,
  peer: PeerId,
  { session, sequence, settled, command: given }: ReplicaRequest & { readonly type: 'command' },
  reply: Reply,
): Taken {
  try {
    const checked = replica.core.machine.checkCommand(given)
    return propose(replica, { type: 'command', peer, session, sequence, settled, command: checked }, reply)
  } catch (thrown) {
    reply({ type: 'failed', error: recordOf(thrown) })
    return 'taken'
  }
}

function propose(replica: Replica, content: EntryContent & { readonly type: 'command' | 'open' }, reply: Reply): Taken {
  return replica.leadership!.propose(content, (outcome) => reply(outcome ?? notLeader(replica)))
}

function replyToChange(replica: Replica, end: ChangeEnd): ReplicaReply {
  if (end === 'done') return DONE
  if (end === 'abandoned') return notLeader(replica)
  const error = new RoostError('CONFLICT', 'the group is full, or this is its last voter')
  return { type: 'failed', error: recordOf(error) }
}

function notLeader(replica: Replica): ReplicaReply {
  const { leader, log, self } = replica.core
  const members = log.configuration.voters.map(({ peer }) => peer)
  return leader === undefined || leader === self
    ? { type: 'not-leader', members }
    : { type: 'not-leader', leader, members }
}

function refuse(reply: Reply): Taken {
  const error = new RoostError('DENIED', 'this node may not change the group', { hint: 'ask a member of the group' })
  reply({ type: 'failed', error: recordOf(error) })
  return 'taken'
}

function recordOf(thrown: unknown): ErrorRecord {
  const { code, message, hint, certain } = asRoostError(thrown)
  return { code, message, hint, certain }
}
