import assert from 'node:assert'
import type { PeerId, Rng } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'

/**
 * How long a message travels, in milliseconds. Differing draws are what lets one message overtake another. A story may give a
 * function of names; the models below need no names, and are bound to a seed by the network that uses them.
 */
export type Latency = LatencyByName | LatencyModel

export type LatencyByName = (from: PeerId, to: PeerId, rng: Rng) => number

export interface LatencyModel {
  /** The times of one simulation: of nodes told by their index, with whatever chance each message adds. */
  bind(seed: number): LatencyByIndex
  /** The same where nodes make no difference and each length is as likely: a network draws such times itself. */
  readonly span?: { readonly minMs: number; readonly maxMs: number }
}

export type LatencyByIndex = (from: number, to: number, rng: Rng) => number

/** Every message takes as long as every other. */
export function constantLatency(ms: number): LatencyModel {
  checkMs(ms)
  return { bind: () => () => ms, span: { minMs: ms, maxMs: ms } }
}

/** Each message takes as long as it is drawn, each length as likely. */
export function uniformLatency({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }): LatencyModel {
  checkMs(minMs)
  checkMs(maxMs)
  assert(minMs <= maxMs, 'the longest time is shorter than the shortest')
  const spanMs = maxMs - minMs
  return { bind: () => (_from, _to, rng) => minMs + spanMs * rng.real(), span: { minMs, maxMs } }
}

export interface CoordinateLatencyOptions {
  /** The mean over all pairs of nodes. */
  readonly meanMs: number
  /** The share of that mean that is spent on the two access links. 0.2 by default. */
  readonly accessShare?: number
  /** Each message takes up to this share longer or shorter than its pair's time. 0.1 by default. */
  readonly jitterShare?: number
}

/**
 * Nodes have places, and what is near stays near: the height-vector model of Vivaldi (Dabek, Cox, Kaashoek and Morris,
 * "Vivaldi: A Decentralized Network Coordinate System", 2004, section 5.4), which fits measured times between hosts. A pair's time is the distance of
 * its places in a plane, the core of the network, plus the two heights, the access links that every message climbs.
 *
 * Places are uniform in a square. Heights are skewed, as access links are: most are low, one in eight is over 2.6 times
 * the mean, none over 4 times. Both follow from the seed and the node's index alone and take no memory; arithmetic is exact, so that
 * all machines agree.
 */
export function coordinateLatency(options: CoordinateLatencyOptions): LatencyModel {
  const { meanMs, accessShare = 0.2, jitterShare = 0.1 } = options
  checkMs(meanMs)
  checkShare(accessShare)
  checkShare(jitterShare)
  const sideMs = (meanMs * (1 - accessShare)) / MEAN_DISTANCE_IN_UNIT_SQUARE
  const heightMsMax = 2 * meanMs * accessShare
  return {
    bind: (seed) => {
      const x = placing(seed, 1)
      const y = placing(seed, 2)
      const height = placing(seed, 3)
      return (from, to, rng) => {
        const [dx, dy] = [x(from) - x(to), y(from) - y(to)]
        const [up, down] = [height(from), height(to)]
        const pairMs = sideMs * Math.sqrt(dx * dx + dy * dy) + heightMsMax * (up * up * up + down * down * down)
        return pairMs * (1 + jitterShare * (2 * rng.real() - 1))
      }
    },
  }
}

/** A real number in [0, 1) for each node, by an integer hash (the finalizer of MurmurHash3). */
function placing(seed: number, axis: number): (index: number) => number {
  const key = mixed((seed | 0) ^ mixed(Math.floor(seed / 0x1_0000_0000) + Math.imul(axis, 0x9e3779b1)))
  return (index) => (mixed(Math.imul(index + 1, 0x9e3779b1) ^ key) >>> 0) / 0x1_0000_0000
}

function mixed(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return word ^ (word >>> 16)
}

/** (2 + sqrt 2 + 5 asinh 1) / 15 (square line picking). */
const MEAN_DISTANCE_IN_UNIT_SQUARE = 0.521_405_433

/**
 * A model from its text: `constant:50`, `uniform:20-200` or `coordinates:150` (the mean over all pairs), in milliseconds. Anything else is
 * refused with `USAGE`.
 */
export function parseLatency(text: string): LatencyModel {
  const [, name, first, second] = /^([a-z]+):(\d{1,6}(?:\.\d{1,6})?)(?:-(\d{1,6}(?:\.\d{1,6})?))?$/.exec(text) ?? []
  const ms = Number(first)
  if (name !== undefined && first !== undefined && ms <= LATENCY_MS_MAX) {
    if (name === 'constant' && second === undefined) return constantLatency(ms)
    if (name === 'coordinates' && second === undefined) return coordinateLatency({ meanMs: ms })
    const maxMs = Number(second)
    if (name === 'uniform' && second !== undefined && ms <= maxMs && maxMs <= LATENCY_MS_MAX)
      return uniformLatency({ minMs: ms, maxMs })
  }
  throw new RoostError('USAGE', `"${text}" is not a latency`, {
    hint: `constant:MS, uniform:MIN-MAX or coordinates:MEAN, in milliseconds from 0 to ${LATENCY_MS_MAX}`,
  })
}

/** Ten minutes: nothing that a grid runs on is slower. */
export const LATENCY_MS_MAX = 600_000

function checkMs(ms: number): void {
  assert(ms >= 0 && ms <= LATENCY_MS_MAX, `a latency lies from 0 to ${LATENCY_MS_MAX} ms`)
}

function checkShare(share: number): void {
  assert(share >= 0 && share <= 1, 'a share lies in [0, 1]')
}
