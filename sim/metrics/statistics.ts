/** The value below which a share of the values lies, by the nearest rank; 0 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return 0
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The deviation of all there are, not of a sample. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values)
  return values.length === 0
    ? 0
    : Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length)
}

/** Deviation over mean: how unevenly a load lies. 0 where there is none. */
export function variation(values: readonly number[]): number {
  const centre = mean(values)
  return centre === 0 ? 0 : deviation(values) / centre
}
