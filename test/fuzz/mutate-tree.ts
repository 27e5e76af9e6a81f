import { pick, type Rng } from '../../overlay/index.ts'
import { emit, float, head, MAJOR, Raw } from './cbor.ts'
import { randomBytes } from './mutate-bytes.ts'

/** Changes that keep a message's form but for one place in it: what stands there becomes something that should not. */

type Container = Record<string, unknown> | unknown[]

/** A place in a tree: where it hangs, and under what. */
interface Site {
  readonly container: Container
  readonly key: string | number
}

/** A tree with up to four places changed; the one given is left as it is. */
export function mutateTree(tree: unknown, rng: Rng): unknown {
  const root = { root: structuredClone(tree) }
  for (let count = 1 + (rng.below(4) === 0 ? rng.below(4) : 0); count > 0; count--) {
    const site = pickSite(root, rng)
    const change = pick(CHANGES, rng)!
    change(site, rng)
  }
  return root.root
}

/** Any place, deep ones as likely as shallow ones. */
function pickSite(root: Container, rng: Rng): Site {
  let chosen: Site = { container: root, key: 'root' }
  let seenCount = 0
  const visit = (container: Container): void => {
    for (const key of Array.isArray(container) ? container.keys() : Object.keys(container)) {
      if (rng.below(++seenCount) === 0) chosen = { container, key }
      const value = valueAt({ container, key })
      if (isContainer(value)) visit(value)
    }
  }
  visit(root)
  return chosen
}

const CHANGES: readonly ((site: Site, rng: Rng) => void)[] = [
  (site, rng) => put(site, oddValue(valueAt(site), rng)),
  (site, rng) => put(site, oddValue(valueAt(site), rng)),
  (site, rng) => put(site, nearValue(valueAt(site), rng)),
  (site, rng) => put(site, nearValue(valueAt(site), rng)),
  (site, rng) => put(site, new Raw(oddItem(valueAt(site), rng))),
  (site) => remove(site),
  addField,
  repeatKey,
  growList,
  wrapDeep,
]

/** Of another kind than what stands there. */
function oddValue(_value: unknown, rng: Rng): unknown {
  return pick<() => unknown>(
    [
      () => null,
      () => undefined,
      () => rng.below(2) === 0,
      () => pick(NUMBERS, rng),
      () => pick(TEXTS, rng),
      () => randomBytes(rng.below(80), rng),
      () => [],
      () => ({}),
      () => [[[]]],
      () => ({ type: pick(TEXTS, rng) }),
    ],
    rng,
  )!()
}

/** Of the same kind, at or beyond a bound. */
function nearValue(value: unknown, rng: Rng): unknown {
  if (typeof value === 'number')
    return rng.below(2) === 0 ? value + pick([-1, 1, 0.5, -value * 2], rng)! : pick(NUMBERS, rng)
  if (typeof value === 'string') return nearText(value, rng)
  if (value instanceof Uint8Array) return randomBytes(pick([0, 1, 15, 16, 31, 63, 64, 65, 300, 5_000], rng)!, rng)
  if (Array.isArray(value)) return rng.below(2) === 0 ? value.slice(1) : value.toReversed()
  return value
}

function nearText(text: string, rng: Rng): string {
  const at = rng.below(text.length + 1)
  return pick(
    [
      () => text + text,
      () => text.slice(0, at),
      () => text.slice(0, at) + pick(CHARACTERS, rng)! + text.slice(at + 1),
      () => pick(CHARACTERS, rng)!.repeat(pick([1, 63, 64, 65, 257, 4_097, 70_000], rng)!),
      () => pick(TEXTS, rng)!,
    ],
    rng,
  )!()
}

/** Items that stand in no message of ours. */
function oddItem(value: unknown, rng: Rng): Uint8Array {
  return pick(
    [
      // Lengths that nothing follows.
      () => head(pick([MAJOR.bytes, MAJOR.text, MAJOR.list, MAJOR.table], rng)!, pick(LENGTHS, rng)!),
      // Whole numbers beyond 2^53, and their negatives.
      () => head(pick([MAJOR.unsigned, MAJOR.negative], rng)!, pick([2n ** 53n, 2n ** 63n, 2n ** 64n - 1n], rng)!),
      () => float(pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e308, 5e-324, 1.5], rng)!),
      // Half precision; an indefinite list, text and table; a break; a tag; simple values that mean nothing.
      () => Uint8Array.of(0xf9, rng.below(256), rng.below(256)),
      () => Uint8Array.of(pick([0x5f, 0x7f, 0x9f, 0xbf], rng)!, 0xff),
      () => Uint8Array.of(0xff),
      () => Buffer.concat([head(MAJOR.tag, pick([0, 2, 24, 42, 55_799, 2n ** 64n - 1n], rng)!), emit(value)]),
      () => Uint8Array.of(0xf8, rng.below(256)),
      // A length in more bytes than it needs.
      () => (isWhole(value) ? head(MAJOR.unsigned, value, 8) : head(MAJOR.list, 0, 4)),
      // Text that is no UTF-8.
      () => Uint8Array.of(0x64, 0xc3, 0x28, 0xff, 0xed),
      // A key that is no text.
      () => Uint8Array.of(0xa1, rng.below(24), 0x01),
    ],
    rng,
  )!()
}

function addField({ container, key }: Site, rng: Rng): void {
  const value = valueAt({ container, key })
  const target = isContainer(value) ? value : container
  const field = pick(KEYS, rng)!
  if (Array.isArray(target)) target.push(oddValue(undefined, rng))
  else define(target, field, rng.below(2) === 0 ? oddValue(undefined, rng) : { polluted: true })
}

/** The table as it is, with one of its keys a second time. */
function repeatKey(site: Site, rng: Rng): void {
  const value = valueAt(site)
  if (!isTable(value)) return
  const entries = Object.entries(value)
  const again = pick(entries, rng)
  if (again === undefined) return
  const items = [...entries, [again[0], oddValue(again[1], rng)] as const].flatMap(([key, item]) => [
    emit(key),
    emit(item),
  ])
  put(site, new Raw(Buffer.concat([head(MAJOR.table, entries.length + 1), ...items])))
}

/** A list with its items again and again, to just around the usual bounds; or a table with as many keys. */
function growList(site: Site, rng: Rng): void {
  const value = valueAt(site)
  const count = pick([2, 9, 13, 17, 65, 257, 513, 5_000], rng)!
  if (Array.isArray(value)) {
    // Long lists of long items are refused by their size before anything looks at them.
    const length = isContainer(value[0]) ? Math.min(count, 513) : count
    put(site, value.length === 0 ? [] : Array.from({ length }, (_, index) => value[index % value.length]))
  } else if (isTable(value)) {
    for (let index = 0; index < Math.min(count, 300); index++) define(value, `k${index}`, index)
  }
}

function wrapDeep(site: Site, rng: Rng): void {
  const depth = pick([1, 2, 30, 31, 32, 33, 500, 20_000], rng)!
  const inner = emit(valueAt(site))
  const isTable = rng.below(2) === 0
  const opening = isTable ? Uint8Array.of(0xa1, 0x61, 0x61) : Uint8Array.of(0x81)
  put(site, new Raw(Buffer.concat([Buffer.alloc(depth * opening.length, opening), inner])))
}

const NUMBERS = [
  0,
  1,
  -1,
  0.5,
  23,
  24,
  255,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  1e308,
  -1e-308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1_795_000_000_000,
]
const LENGTHS = [1, 24, 255, 65_535, 0xff_ffff, 0x7fff_ffff, 0xffff_ffff, 2n ** 53n, 2n ** 64n - 1n]
/** Names that mean something to the language, beside ordinary ones. */
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  'length',
  'type',
  '',
  'x',
]
const TEXTS = [
  ...KEYS,
  'a'.repeat(65),
  '12D3KooWJAqFFM7mT2mVnXRYmVn5eMdUTPyQvWFfBKbDfDkNJDbX',
  '1'.repeat(52),
  '0OIl'.repeat(13),
  '/ip4/0.0.0.0/tcp/0',
  '../../../etc/passwd',
  'a\0b',
  '\ud800',
  '\u202e',
  '🜁'.repeat(20),
  '%s%n',
  'NaN',
  'true',
  'true && '.repeat(30) + 'true',
  '((((((((((1))))))))))',
  'x =?= undefined',
  'regexp("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaa!")',
]
const CHARACTERS = ['\0', '\n', '/', '.', '(', '"', 'é', '\ud800', '🜁', 'A', '0']

function valueAt({ container, key }: Site): unknown {
  return Array.isArray(container) ? container[key as number] : container[key as string]
}

function put({ container, key }: Site, value: unknown): void {
  if (Array.isArray(container)) container[key as number] = value
  else define(container, key as string, value)
}

/** As own field, whatever its name. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}

function remove({ container, key }: Site): void {
  if (Array.isArray(container)) container.splice(key as number, 1)
  else if (key !== 'root') delete container[key as string]
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !(value instanceof Raw)
}

function isTable(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value)
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
