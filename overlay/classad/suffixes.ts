/**
 * Size suffixes, an extension: letters directly after a decimal number, in any case. Bytes give an integer, rounded where the
 * number is a fraction; frequencies give a real in MHz, the unit of `CpuSpeed`. As everywhere in computing `KiB` is 1,024 and
 * `KB` 1,000; the single letters are those of the first ClassAd implementation, 1,024 like its sizes.
 */
const BYTE_SUFFIXES: ReadonlyMap<string, bigint> = new Map([
  ['b', 1n],
  ...['k', 'm', 'g', 't', 'p'].flatMap((letter, index): [string, bigint][] => {
    const power = BigInt(index + 1)
    return [
      [letter, 1024n ** power],
      [`${letter}ib`, 1024n ** power],
      [`${letter}b`, 1000n ** power],
    ]
  }),
])

const MHZ_SUFFIXES: ReadonlyMap<string, number> = new Map([
  ['hz', 1e-6],
  ['khz', 1e-3],
  ['mhz', 1],
  ['ghz', 1e3],
  ['thz', 1e6],
])

/** The value of `digits` with a suffix, or undefined where the letters are none. `isWhole` says that digits are all it has. */
export function scaleNumber(digits: string, isWhole: boolean, letters: string): bigint | number | undefined {
  const suffix = letters.toLowerCase()
  const mhz = MHZ_SUFFIXES.get(suffix)
  if (mhz !== undefined) return mhz < 1 ? Number(digits) / Math.round(1 / mhz) : Number(digits) * mhz
  const bytes = BYTE_SUFFIXES.get(suffix)
  if (bytes === undefined) return undefined
  if (isWhole) return BigInt(digits) * bytes
  const scaled = Number(digits) * Number(bytes)
  return Number.isFinite(scaled) ? BigInt(Math.round(scaled)) : 2n ** 64n
}
