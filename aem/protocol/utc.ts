/**
 * Unix milliseconds as `2026-11-21 13:24:46 UTC`, without a clock or a calendar of the language's. The days are counted as in Howard
 * Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
 */
export function utcText(wallMs: number): string {
  const seconds = Math.floor(wallMs / 1_000)
  const days = Math.floor(seconds / 86_400)
  const ofDay = seconds - days * 86_400
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const two = (value: number): string => String(value).padStart(2, '0')
  const clock = [Math.floor(ofDay / 3_600), Math.floor(ofDay / 60) % 60, ofDay % 60].map(two).join(':')
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)} ${clock} UTC`
}
