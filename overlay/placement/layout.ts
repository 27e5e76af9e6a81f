import { ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTE_TEXT_CHARS_MAX } from '../attributes/index.ts'
import { peerKey } from '../descriptor/index.ts'
import { shape, type PeerId, type Plain, type Surroundings } from '../env/index.ts'
import { BORDER_COUNT_MAX, type Borders } from './borders.ts'
import { compareOrdered, OTHER, type Ordered } from './ordered.ts'

/**
 * How the space of attributes is cut: for each grouping its attributes, and for each attribute its borders. A layout is learned
 * by one node, from the descriptors that gossip brought it, and taken over by all; the one of a later epoch replaces it. It decides
 * only where nodes look for each other: a bad one costs messages, and no answer.
 */
export interface Layout {
  readonly epoch: number
  readonly maker: PeerId
  /** Unix time in milliseconds. */
  readonly madeAtMs: number
  /** Descriptors that it was learned from. */
  readonly sampleCount: number
  /** By name in lower case, aliases resolved. */
  readonly borders: Readonly<Record<string, Borders>>
  /** Names in lower case that have borders, the one that cuts first at the front. */
  readonly groupings: readonly (readonly string[])[]
  /**
   * Names in lower case that do not have one static meaning on all nodes: labels that some node announces as dynamic, and other
   * standards' names that some node uses for a label of its own. No grouping has them, and a query on them is open in them.
   */
  readonly unsure: readonly string[]
  /** Over all of the above, under the context `layout`. */
  readonly signature: Uint8Array
}

export const GROUPING_COUNT_MAX = 8
export const GROUPING_ATTRIBUTES_MAX = 4
export const LAYOUT_ATTRIBUTES_MAX = GROUPING_COUNT_MAX * GROUPING_ATTRIBUTES_MAX
export const UNSURE_COUNT_MAX = 64
/** All names and texts of one layout together. */
export const LAYOUT_CHARS_MAX = 32_768
/** Above every encoding of a layout within the bounds: its characters at three bytes, its numbers at nine, and what frames them. */
export const LAYOUT_BYTES_MAX = 196_608

const SIGNATURE_BYTES_MAX = 64
const CONTEXT = 'layout'

/** Before anything was learned: no groupings. It is not signed and not sent. */
export const EMPTY_LAYOUT: Layout = {
  epoch: 0,
  maker: '',
  madeAtMs: 0,
  sampleCount: 0,
  borders: {},
  groupings: [],
  unsure: [],
  signature: new Uint8Array(),
}

const name = shape.text(ATTRIBUTE_NAME_CHARS_MAX)
const borderText = shape.text(ATTRIBUTE_TEXT_CHARS_MAX)

const readBorder: shape.Shape<Ordered> = (value, path) => {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return shape.real(value, path)
  if (typeof value === 'string') return borderText(value, path)
  if (Array.isArray(value) && value.length === 0) return OTHER
  throw shape.malformed(path, 'a number, a text, true, false, null or an empty list')
}

const readBorderFields = shape.record({
  values: shape.list(readBorder, BORDER_COUNT_MAX),
  counts: shape.list(shape.integer(1, BORDER_COUNT_MAX), BORDER_COUNT_MAX),
})

const readBorders: shape.Shape<Borders> = (value, path) => {
  const borders = readBorderFields(value, path)
  const { values, counts } = borders
  if (values.length !== counts.length) throw shape.malformed(path, 'as many counts as values')
  if (counts.reduce((sum, count) => sum + count, 0) > BORDER_COUNT_MAX)
    throw shape.malformed(path, `at most ${BORDER_COUNT_MAX} borders`)
  for (let index = 1; index < values.length; index++)
    if (compareOrdered(values[index - 1]!, values[index]!) >= 0) throw shape.malformed(path, 'ascending values')
  return borders
}

const readFields = shape.record({
  epoch: shape.integer(1),
  maker: shape.peerId,
  madeAtMs: shape.integer(0),
  sampleCount: shape.integer(0),
  borders: shape.table(readBorders, { countMax: LAYOUT_ATTRIBUTES_MAX, keyCharsMax: ATTRIBUTE_NAME_CHARS_MAX }),
  groupings: shape.list(shape.list(name, GROUPING_ATTRIBUTES_MAX), GROUPING_COUNT_MAX),
  unsure: shape.list(name, UNSURE_COUNT_MAX),
  signature: shape.bytes(SIGNATURE_BYTES_MAX),
})

/** A layout in a message: well formed, within bounds, and each grouping made of names that have borders, none of them twice. */
export const readLayout: shape.Shape<Layout> = (value, path) => {
  const layout = readFields(value, path)
  if (charsOf(layout) > LAYOUT_CHARS_MAX) throw shape.malformed(path, `at most ${LAYOUT_CHARS_MAX} characters`)
  for (const [index, names] of layout.groupings.entries()) {
    const place = `${path}.groupings[${index}]`
    if (names.length === 0 || new Set(names).size < names.length) throw shape.malformed(place, 'names, each once')
    if (!names.every((one) => Object.hasOwn(layout.borders, one))) throw shape.malformed(place, 'names with borders')
  }
  return layout
}

/** Characters of names and texts. */
export function charsOf({ borders, groupings, unsure }: Pick<Layout, 'borders' | 'groupings' | 'unsure'>): number {
  const texts = [...groupings.flat(), ...unsure, ...Object.keys(borders)]
  for (const { values } of Object.values(borders))
    for (const value of values) if (typeof value === 'string') texts.push(value)
  return texts.reduce((sum, text) => sum + text.length, 0)
}

/** A layout by this node. */
export function signLayout(
  fields: Omit<Layout, 'maker' | 'madeAtMs' | 'signature'>,
  surroundings: Surroundings,
): Layout {
  const { self: maker, wallMs, crypto } = surroundings
  const unsigned = { ...fields, maker, madeAtMs: Math.max(0, Math.round(wallMs)) }
  return { ...unsigned, signature: crypto.sign(CONTEXT, unsigned as unknown as Plain) }
}

/** Whether its maker signed it. See `LayoutChecker`. */
export function checkLayout(layout: Layout, surroundings: Surroundings): boolean {
  const { signature, ...unsigned } = layout
  return surroundings.crypto.verify(layout.maker, CONTEXT, unsigned as unknown as Plain, signature)
}

/** A number from 1 to 2^32 by which messages name a layout: two that a node knows at one time have different ones, but by accident. */
export function layoutId({ epoch, maker, signature }: Layout): number {
  return (peerKey(`${epoch} ${maker} ${signature.join()}`) >>> 0) + 1
}

/** Whether everyone who knows both goes by the first: it is of a later epoch, or two makers moved at once and its number is lower. */
export function supersedes(layout: Layout, other: Layout): boolean {
  return layout.epoch === other.epoch ? layoutId(layout) < layoutId(other) : layout.epoch > other.epoch
}

/** Layouts that are remembered as verified: the current one, the one before, and a few that lost. */
const VERIFIED_COUNT_MAX = 8

/**
 * Checks layouts, each of them once, and hands back the one instance that was verified in place of each equal copy: what is worked out
 * of a layout, and of descriptors under it, is kept by instance.
 */
export class LayoutChecker {
  readonly #verified: Layout[] = []

  check(layout: Layout, surroundings: Surroundings): Layout | undefined {
    const known = this.#verified.find((other) => isSameWord(layout, other))
    if (known !== undefined) return known
    if (!checkLayout(layout, surroundings)) return undefined
    if (this.#verified.length >= VERIFIED_COUNT_MAX) this.#verified.shift()
    this.#verified.push(layout)
    return layout
  }
}

/** A copy under the same signature that says something else is forged, and is read as what was signed. */
function isSameWord(one: Layout, other: Layout): boolean {
  return (
    one === other ||
    (one.epoch === other.epoch && one.maker === other.maker && equalBytes(one.signature, other.signature))
  )
}

function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
