import { statfs } from 'node:fs/promises'
import type { Discovery, PeerId } from '../../overlay/index.ts'
import type { DoctorReply, Status } from '../surface/index.ts'
import type { PluginHost } from '../host/index.ts'
import { misfitHint, nameOf, versionsText, type Network } from '../net/index.ts'
import type { Vo } from '../vo/index.ts'
import { checkReach } from './net-check.ts'
import { checkRefusals } from './refusals.ts'

type Check = DoctorReply['checks'][number]

/** The parts of a daemon that a check looks at. */
export interface Checked {
  readonly discovery: Discovery
  readonly network: Network
  readonly vo: Vo
  readonly plugins: PluginHost
  readonly about: { readonly dataDir: string }
}

/** Peers whose clocks are asked; the median of a few tells whose clock is wrong. */
const CLOCK_PEERS_COUNT = 5
const CLOCK_MS_MAX = 2_000

/** Certificates and tickets tolerate two minutes; a clock that is off by less than this troubles nobody. */
const CLOCK_OFF_MS_WARN = 30_000
const CLOCK_OFF_MS_FAIL = 120_000

const FREE_BYTES_WARN = 1024 ** 3
/** Too little for the database to write on, and for a job to leave anything. */
const FREE_BYTES_FAIL = 16 * 1024 ** 2
const CERTIFICATE_LEFT_MS_WARN = 3 * 24 * 3_600_000

/** What the daemon can tell of itself: peers, clock, disk, certificate, plugins. Nothing is changed. */
export async function checkHealth(parts: Checked): Promise<DoctorReply> {
  return {
    checks: [
      checkListening(parts),
      checkPeers(parts),
      checkReach(parts),
      ...checkCutOffs(parts),
      checkRefusals(parts),
      ...checkVersions(parts),
      await checkClock(parts),
      await checkDisk(parts),
      checkCertificate(parts),
      ...checkPlugins(parts),
    ],
  }
}

function checkListening({ network }: Checked): Check {
  const addresses = network.addresses()
  if (addresses.length > 0) return { name: 'listening', state: 'ok', detail: addresses.join(' ') }
  return {
    name: 'listening',
    state: 'failed',
    detail: 'no address that others could dial',
    hint: 'set `listen` to an address of this machine',
  }
}

function checkPeers({ discovery, network }: Checked): Check {
  const others = discovery.list().filter(({ id }) => id !== network.self)
  const alive = others.filter(({ state }) => state === 'alive').length
  const detail = `${alive} of ${others.length} other nodes alive, ${network.connected().length} connected`
  if (others.length === 0)
    return {
      name: 'peers',
      state: 'ok',
      detail: 'this node is alone in its grid',
      hint: '`roost invite` prints a ticket for another machine',
    }
  if (alive > 0) return { name: 'peers', state: 'ok', detail }
  return {
    name: 'peers',
    state: 'failed',
    detail,
    hint: 'check the network of this machine, and that the port of the others is open',
  }
}

/** Peers that this node has nothing to do with for a while, each with what it did. */
function checkCutOffs({ discovery, network }: Checked): Check[] {
  return network.cutOffs().map(({ peer, reason, untilMs }) => {
    const seconds = Math.max(1, Math.ceil((untilMs - network.surroundings.nowMs) / 1_000))
    return {
      name: `peer ${discovery.get(peer)?.name ?? peer}`,
      state: 'warning',
      detail: `cut off for ${seconds} more seconds: ${reason} (${peer})`,
      hint: 'it is let in again by itself; if it stays, look at that machine: its version, its disk, who has its key',
    }
  })
}

/** Protocols that peers speak in other versions only: what rests on one does not work with that peer. */
function checkVersions({ discovery, network }: Checked): Check[] {
  return network.misfits().map(({ peer, ours, theirs }) => ({
    name: `versions ${discovery.get(peer)?.name ?? peer}`,
    state: 'warning',
    detail: `it speaks ${nameOf(ours[0]!)} in ${versionsText(theirs)}, this node in ${versionsText(ours)} (${peer})`,
    hint: misfitHint(ours, theirs),
  }))
}

async function checkClock({ discovery, network }: Checked): Promise<Check> {
  const peers = discovery
    .list()
    .filter(({ id, state }) => id !== network.self && state === 'alive')
    .slice(0, CLOCK_PEERS_COUNT)
  const offsets = (await Promise.all(peers.map(({ id }) => clockOffsetMs(network, id)))).filter(
    (offset) => offset !== undefined,
  )
  if (offsets.length === 0) return { name: 'clock', state: 'ok', detail: 'nobody to compare it with' }
  const median = offsets.toSorted((a, b) => a - b)[Math.floor(offsets.length / 2)]!
  const detail = `${median >= 0 ? 'behind' : 'ahead of'} the median of ${offsets.length} peers by ${(Math.abs(median) / 1000).toFixed(1)} s`
  const off = Math.abs(median)
  if (off < CLOCK_OFF_MS_WARN) return { name: 'clock', state: 'ok', detail }
  return {
    name: 'clock',
    state: off < CLOCK_OFF_MS_FAIL ? 'warning' : 'failed',
    detail,
    hint: 'set the clock, for example with an NTP service: certificates and signed requests go by it',
  }
}

/** How far a peer's clock is ahead of ours, half a round trip allowed for; undefined where it does not answer. */
async function clockOffsetMs(network: Network, peer: PeerId): Promise<number | undefined> {
  try {
    const sentMs = Date.now()
    const response = await network.peerFetch(peer)('http://peer/status', { signal: AbortSignal.timeout(CLOCK_MS_MAX) })
    const { wallMs } = (await response.json()) as Status
    return Number.isFinite(wallMs) ? wallMs - (sentMs + Date.now()) / 2 : undefined
  } catch {
    return undefined
  }
}

async function checkDisk({ about }: Checked): Promise<Check> {
  const { bavail, bsize } = await statfs(about.dataDir)
  const detail = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free in ${about.dataDir}`
  if (bavail * bsize >= FREE_BYTES_WARN) return { name: 'disk', state: 'ok', detail }
  const state = bavail * bsize < FREE_BYTES_FAIL ? 'failed' : 'warning'
  return { name: 'disk', state, detail, hint: 'free some space: nothing new is taken on when the disk is full' }
}

function checkCertificate({ vo }: Checked): Check {
  const leftMs = vo.expiresAtMs - Date.now()
  const detail = `good until ${new Date(vo.expiresAtMs).toISOString()}`
  if (leftMs > CERTIFICATE_LEFT_MS_WARN) return { name: 'certificate', state: 'ok', detail }
  return {
    name: 'certificate',
    state: leftMs > 0 ? 'warning' : 'failed',
    detail,
    hint: 'it is renewed by the node with the grid’s authority: start that one, or join again with a new ticket',
  }
}

function checkPlugins({ plugins }: Checked): Check[] {
  return plugins
    .states()
    .map(({ name, state, error }) =>
      error
        ? { name: `plugin ${name}`, state: 'failed', detail: error.message, hint: error.hint }
        : { name: `plugin ${name}`, state: 'ok', detail: state },
    )
}
