import {
  applicationsWire,
  guestsWire,
  liveWire,
  membershipWire,
  parseJoinReply,
  parseJoinRequest,
  parsePresented,
  parseSignedStatement,
  parseTunnelRequest,
  questionWire,
  readEntry,
  replicaCallWire,
  replicaWire,
  keyOf,
  samplingWire,
  selectionWire,
  type Answer,
  type ApplicationReply,
  type ApplicationRequest,
  type Descriptor,
  type Entry,
  type GuestsMessage,
  type JoinReply,
  type JoinRequest,
  type Layout,
  type LiveReply,
  type LiveRequest,
  type MembershipMessage,
  type Plain,
  type Presented,
  type Question,
  type ReplicaMessage,
  type ReplicaReply,
  type ReplicaRequest,
  type SamplingMessage,
  type SelectionMessage,
  type SignedApplicationRecord,
  type TunnelRequest,
} from '../../overlay/index.ts'
import { dialBackWire, type DialBackReply, type DialBackRequest } from '../../node/net/dial-back.ts'
import type { SignedStatement } from '../../overlay/contract/index.ts'
import {
  jobWire,
  parseJobEvent,
  parseUnitEvent,
  type JobEvent,
  type JobReply,
  type JobRequest,
  type UnitEvent,
  type UnitExit,
} from '../../aem/protocol/index.ts'

/** One message of each type. The compiler asks for an example of every type that a union gets. */
type Examples<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: Extract<Message, { readonly type: Type }>
}

export interface GoldenProtocol {
  /** Names its file, `<name>.tsv`: version and all, since another version is another file. */
  readonly name: string
  readonly parse: (value: unknown) => unknown
  readonly examples: Readonly<Record<string, unknown>>
}

const peer = '12D3KooWJAqFFM7mT2mVnXRYmVn5eMdUTPyQvWFfBKbDfDkNJDbX'
const other = '12D3KooWEoEkGBW4Zr6vVXFZqwRqLkVh3rKqXDoQEYNQvVRv3Sgn'
const signature = Uint8Array.from({ length: 64 }, (_, index) => index)
const bytes = Uint8Array.of(48, 130, 1, 0)

const descriptor: Descriptor = {
  peer,
  name: 'n1',
  sequence: 1_795_000_000_000,
  expiresMs: 1_795_086_400_000,
  addresses: ['/ip4/192.0.2.1/tcp/4510'],
  attributes: { Cores: 8, CpuSpeed: 2400.5, Os: 'LINUX', Software: ['python3', 'gcc/12.2'], gpu: true },
  signature,
}
const updates = [
  { type: 'alive', descriptor },
  { type: 'suspect', peer, sequence: 7, from: other },
  { type: 'dead', peer, sequence: 7, from: other },
  { type: 'left', peer, sequence: 7, signature },
] as const

const sampling: Examples<SamplingMessage> = {
  shuffle: { type: 'shuffle', round: 5, descriptors: [descriptor], marks: [keyOf(descriptor), 3] },
  'shuffle-reply': { type: 'shuffle-reply', round: 5, descriptors: [descriptor], marks: [keyOf(descriptor), 3] },
}
const membership: Examples<MembershipMessage> = {
  ping: { type: 'ping', probe: 9, sequence: 7, updates },
  ack: { type: 'ack', probe: 9, sequence: 7, updates: [] },
  'ping-for-me': { type: 'ping-for-me', probe: 9, target: other, updates },
  nack: { type: 'nack', probe: 9 },
  gossip: { type: 'gossip', updates },
  introduce: { type: 'introduce' },
}
const cell = { layout: 3_000_000_000, grouping: 2 }
const claim = { peer: other, sequence: 7 }
const layout: Layout = {
  epoch: 4,
  maker: peer,
  madeAtMs: 1_795_000_000_000,
  sampleCount: 256,
  borders: {
    cores: { values: [null, 8, 64], counts: [3, 40, 20] },
    site: { values: ['lille', 'lyon'], counts: [30, 33] },
  },
  groupings: [['cores', 'site']],
  unsure: ['gpu'],
  signature,
}
const region = { key: -5, depth: 4, skip: 129 }
const selection: Examples<SelectionMessage> = {
  push: { type: 'push', ...cell, descriptors: [descriptor], gone: [claim], within: 5 },
  give: { type: 'give', ...cell, descriptors: [descriptor], gone: [] },
  summary: {
    type: 'summary',
    ...cell,
    epoch: 4,
    newest: 3_000_000_000,
    key: -5,
    depth: 8,
    isWhole: true,
    digests: [0, 1, -0x8000_0000],
    own: descriptor,
    asked: [{ names: ['cores', 'site'], weight: 2.5 }],
  },
  holdings: { type: 'holdings', ...cell, key: -5, depth: 8, buckets: [0, 31], hashes: [7, -7] },
  want: { type: 'want', ...cell, hashes: [7, -7] },
  contacts: { type: 'contacts', ...cell, descriptors: [descriptor], ages: [3] },
  seek: { type: 'seek', ...cell, epoch: 4, newest: 3_000_000_000, key: -5, own: descriptor },
  found: { type: 'found', ...cell, depth: 8 },
  forward: { type: 'forward', ...cell, what: 'gone', key: -5, claim, hopsLeft: 11 },
  layout: { type: 'layout', layout },
}
const visit = { descriptor, term: 5_983_333, signature }
const guests: Examples<GuestsMessage> = {
  visit: { type: 'visit', round: 3, visit },
  welcome: { type: 'welcome', round: 3 },
  ask: { type: 'ask', round: 3, key: -5 },
  refer: { type: 'refer', round: 3, descriptors: [descriptor] },
  push: { type: 'push', visits: [visit] },
  give: { type: 'give', visits: [visit] },
  summary: { type: 'summary', key: -5, depth: 8, digests: [0, 1, -0x8000_0000], wallMs: 1_795_000_000_000 },
  holdings: { type: 'holdings', key: -5, depth: 8, buckets: [0, 31], hashes: [7, -7], wallMs: 1_795_000_000_000 },
  want: { type: 'want', hashes: [7, -7] },
  check: { type: 'check', round: 3 },
  alive: { type: 'alive', round: 3 },
}
const question: Question = { ...cell, ...region, where: 'Cores >= 8', wanted: 50, lacking: 12 }
const answer: Examples<Answer> = {
  answer: {
    type: 'answer',
    descriptors: [descriptor],
    depth: 8,
    matchCount: 1,
    memberCount: 390,
    referrals: [{ ...region, contacts: [descriptor] }],
    signature,
  },
  'not-ready': { type: 'not-ready' },
}
const liveRequest: LiveRequest = { where: 'Cores >= 8 && FreeMemory > 1GiB', rank: 'Cores' }
const liveReply: Examples<LiveReply> = {
  match: { type: 'match', attributes: descriptor.attributes, dynamic: { Load: 0.25, FreeCores: 3 }, rank: 8 },
  'no-match': { type: 'no-match' },
}

const fingerprint = '0123456789abcdef'.repeat(4)
const user = { id: other, name: 'ada', proof: signature }
const joinRequest: Examples<JoinRequest> = {
  redeem: { type: 'redeem', fingerprint, secret: signature.slice(0, 16), user },
  renew: { type: 'renew', fingerprint, certificate: bytes, user: { ...user, certificate: bytes } },
}
const joinReply: JoinReply = { authority: bytes, node: bytes, member: bytes }
const presented: Presented = { certificates: [bytes] }
const signed: SignedStatement = {
  statement: {
    action: 'job.cancel',
    body: { jobId: 'ay3q9f1rhsqynccjvqhwxt5wbg' },
    atMs: 1_795_000_000_000,
    nonce: signature.slice(0, 16),
  },
  signer: other,
  certificate: bytes,
  signature,
}

const jobId = 'ay3q9f1rhsqynccjvqhwxt5wbg'
const unitId = `${jobId}.1.0`
const base = { number: 3, atMs: 1_795_000_000_000 }
const ofUnit = { ...base, unit: 0, node: peer, attempt: 1 }
const reason = 'cancelled by ada'
const statement = signed as unknown as NonNullable<Plain>
const exits: { readonly [Kind in UnitExit['kind']]: Extract<UnitExit, { readonly kind: Kind }> } = {
  exited: { kind: 'exited', code: 3 },
  signalled: { kind: 'signalled', signal: 'KILL' },
  timeout: { kind: 'timeout' },
  oom: { kind: 'oom' },
  unstartable: { kind: 'unstartable', reason: 'no shell' },
  vanished: { kind: 'vanished', reason: 'no power' },
}
const news = [
  { ...base, type: 'confirmed' },
  { ...base, type: 'starting' },
  { ...base, type: 'started' },
  { ...base, type: 'stopping', reason },
  ...Object.values(exits).map((exit) => ({ ...base, type: 'exited' as const, exit })),
  { ...base, type: 'released', reason },
  { ...base, type: 'settled' },
] as const
const mandate = { home: peer, holders: [peer, other], signature: new Uint8Array(64).fill(7) }
const jobRequest: Examples<JobRequest> = {
  hold: { type: 'hold', unitId, cores: 2, memoryBytes: 1_073_741_824, holdMs: 15_000 },
  confirm: {
    type: 'confirm',
    jobId,
    attempt: 1,
    index: 0,
    peers: [peer, other],
    controller: other,
    holders: [peer, other],
    statement,
  },
  start: { type: 'start', unitId },
  stop: { type: 'stop', unitId, reason },
  'unit-events': { type: 'unit-events', unitId, from: 3 },
  'unit-report': { type: 'unit-report', unitId, home: peer, events: news },
  govern: { type: 'govern', home: peer, epoch: 7, mandate },
  'who-controls': { type: 'who-controls', home: peer },
}
const jobReply: Examples<JobReply> = {
  held: { type: 'held' },
  confirmed: { type: 'confirmed' },
  noted: { type: 'noted' },
  refused: { type: 'refused', reason: 'no core is free' },
  'given-up': { type: 'given-up', reason: 'the unit was lost' },
  events: { type: 'events', events: news },
  controls: { type: 'controls', epoch: 7, mandate },
}
const jobEvent: Examples<JobEvent> = {
  submitted: { ...base, type: 'submitted', jobId, owner: other, controller: peer, body: { run: 'true' }, statement },
  queued: { ...base, type: 'queued', reason: 'no nodes' },
  matched: { ...base, type: 'matched', attempt: 1, nodes: [peer] },
  placed: { ...base, type: 'placed', attempt: 1 },
  'unit-started': { ...ofUnit, type: 'unit-started' },
  'unit-exited': { ...ofUnit, type: 'unit-exited', exit: exits.exited },
  'unit-lost': { ...ofUnit, type: 'unit-lost', reason: 'away' },
  'unit-found': { ...ofUnit, type: 'unit-found', reason: 'back' },
  cancelling: { ...base, type: 'cancelling', by: other, reason },
  ended: { ...base, type: 'ended', state: 'failed', exitCode: 3, reason: 'unit 0: exited with 3' },
}
const unitEvent: Examples<UnitEvent> = {
  confirmed: {
    ...base,
    type: 'confirmed',
    order: {
      unitId,
      jobId,
      name: 'render',
      index: 0,
      count: 1,
      attempt: 1,
      run: ['blender', '-b'],
      env: { A: 'b' },
      cores: 2,
      memoryBytes: 1_024,
      limits: { timeMs: 1_000, processesCount: 64 },
      isolate: { network: false },
      inputs: [{ name: 'scene.blend', bytes: 3, sha256: '0'.repeat(64) }],
      outputs: ['*.png'],
      controller: peer,
      owner: other,
      peers: [peer],
    },
  },
  starting: { ...base, type: 'starting' },
  started: { ...base, type: 'started' },
  stopping: { ...base, type: 'stopping', reason },
  exited: { ...base, type: 'exited', exit: exits.vanished },
  released: { ...base, type: 'released', reason },
  settled: { ...base, type: 'settled' },
}

const application: SignedApplicationRecord = {
  record: {
    name: 'render.web',
    publisher: peer,
    instance: 'ay3q9f1rhsqynccjvqhwxt5wbg.1.0',
    endpoints: ['tcp://127.0.0.1:8080', 'http://[2001:db8::1]:80/status'],
    attributes: { version: 2.5, tags: ['a', 'b'], beta: false },
    ttlMs: 60_000,
    vo: '0123456789abcdef'.repeat(4),
    sequence: 1_795_000_000_000,
    atMs: 1_795_000_000_000,
    job: 'ay3q9f1rhsqynccjvqhwxt5wbg',
    member: other,
  },
  signature,
  statement: signed,
}
const place = { shard: 15, identity: `render.web\n${other}\n${peer}\nmain` }
const applicationRequest: Examples<ApplicationRequest> = {
  put: { type: 'put', records: [application] },
  read: { type: 'read', shards: [15, 0], name: 'render.web', owner: other, where: 'version >= 2', after: place },
}
const applicationReply: Examples<ApplicationReply> = {
  taken: { type: 'taken', refusals: ['', 'RECORD_STALE'] },
  page: { type: 'page', records: [application], next: place },
}
const tunnelRequest: TunnelRequest = { name: 'render.web', instance: 'main', owner: other, endpoint: 1 }

const group = 'jobs-ay3q9f1rhsqynccjvqhwxt5wbg'
const incarnation = 4_503_599_627_370_497
const configuration = { voters: [{ peer, incarnation }], learners: [other] }
const placed = { index: 7, term: 3, atMs: 86_400_000 }
const command = { type: 'put', key: 'a', value: [1, 'b', bytes] }
const entries: Examples<Entry> = {
  begin: { ...placed, type: 'begin' },
  members: { ...placed, type: 'members', configuration },
  open: { ...placed, type: 'open', peer: other },
  command: { ...placed, type: 'command', peer: other, session: 5, sequence: 9, settled: 8, command },
}
const led = { group, term: 3, round: 70 }
const snapshot = { id: `6-2-${peer}-1`, index: 6, term: 2, configuration, chunkCount: 3, weight: 400_000 }
const replica: Examples<ReplicaMessage> = {
  append: { type: 'append', ...led, prevIndex: 6, prevTerm: 2, commit: 5, entries: Object.values(entries) },
  beats: { type: 'beats', beats: [{ ...led, commit: 5 }] },
  acks: { type: 'acks', acks: [{ ...led, verified: 7, match: 6, incarnation }] },
  mismatch: { type: 'mismatch', ...led, prevIndex: 6, hintIndex: 4, hintTerm: 1, incarnation },
  'ask-vote': {
    type: 'ask-vote',
    group,
    term: 4,
    pre: true,
    handed: false,
    lastIndex: 7,
    lastTerm: 3,
    incarnation,
  },
  vote: { type: 'vote', group, term: 4, pre: true, granted: true, incarnation },
  chunk: { type: 'chunk', ...led, snapshot, number: 1, chunk: { type: 'service', chunk: [['a', 'b']] } },
  'chunk-ack': { type: 'chunk-ack', group, term: 3, snapshotId: snapshot.id, next: 2, incarnation },
  'take-over': { type: 'take-over', group, term: 3 },
  removed: { type: 'removed', group, configurationIndex: 7 },
}
const replicaRequest: Examples<ReplicaRequest> = {
  open: { type: 'open', group },
  command: { type: 'command', group, session: 5, sequence: 9, settled: 8, command },
  read: { type: 'read', group, query: { key: 'a' } },
  change: { type: 'change', group, action: 'add', peer: other },
  'hand-over': { type: 'hand-over', group, to: other },
}
const replicaReply: Examples<ReplicaReply> = {
  opened: { type: 'opened', session: 5 },
  done: { type: 'done', result: { value: 'b' } },
  failed: { type: 'failed', error: { code: 'CONFLICT', message: 'it is there', hint: 'look', certain: true } },
  'not-leader': { type: 'not-leader', leader: peer, members: [peer, other] },
  expired: { type: 'expired' },
  settled: { type: 'settled' },
  busy: { type: 'busy' },
  'no-member': { type: 'no-member' },
}

const dialBackRequest: DialBackRequest = { ports: [7667, 7668] }
const dialBackReply: DialBackReply = { host: '203.0.113.7', open: [7667] }

/** Every protocol whose messages cross the network or are kept on disk. */
export const goldenProtocols: readonly GoldenProtocol[] = [
  { name: 'sampling-1', parse: samplingWire.parse, examples: sampling },
  { name: 'membership-1', parse: membershipWire.parse, examples: membership },
  { name: 'selection-1', parse: selectionWire.parse, examples: selection },
  { name: 'guests-1', parse: guestsWire.parse, examples: guests },
  { name: 'selection-question-1-request', parse: questionWire.parseRequest, examples: { question } },
  { name: 'selection-question-1-reply', parse: questionWire.parseReply, examples: answer },
  { name: 'dial-back-1-request', parse: dialBackWire.parseRequest, examples: { request: dialBackRequest } },
  { name: 'dial-back-1-reply', parse: dialBackWire.parseReply, examples: { reply: dialBackReply } },
  { name: 'live-1-request', parse: liveWire.parseRequest, examples: { request: liveRequest } },
  { name: 'live-1-reply', parse: liveWire.parseReply, examples: liveReply },
  { name: 'applications-1-request', parse: applicationsWire.parseRequest, examples: applicationRequest },
  { name: 'applications-1-reply', parse: applicationsWire.parseReply, examples: applicationReply },
  { name: 'replica-1', parse: replicaWire.parse, examples: replica },
  { name: 'replica-entries-1', parse: (value) => readEntry(value, 'entry'), examples: entries },
  { name: 'replica-call-1-request', parse: replicaCallWire.parseRequest, examples: replicaRequest },
  { name: 'replica-call-1-reply', parse: replicaCallWire.parseReply, examples: replicaReply },
  { name: 'tunnel-1', parse: parseTunnelRequest, examples: { request: tunnelRequest } },
  { name: 'admission-1', parse: parsePresented, examples: { presented } },
  { name: 'join-1-request', parse: parseJoinRequest, examples: joinRequest },
  { name: 'join-1-reply', parse: parseJoinReply, examples: { reply: joinReply } },
  { name: 'statement-1', parse: (value) => parseSignedStatement(value), examples: { signed } },
  { name: 'aem-1-request', parse: jobWire.parseRequest, examples: jobRequest },
  { name: 'aem-1-reply', parse: jobWire.parseReply, examples: jobReply },
  { name: 'job-events-1', parse: parseJobEvent, examples: jobEvent },
  { name: 'unit-events-1', parse: parseUnitEvent, examples: unitEvent },
]
