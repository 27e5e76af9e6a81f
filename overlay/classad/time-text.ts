import { momentAt, spanOf, type AbsoluteTime, type RelativeTime } from './value.ts'

/**
 * Times as text. A moment is `yyyy-mm-ddThh:mm:ss+hh:mm`, a span `[-]days+hh:mm:ss.fff` without leading parts that are zero.
 * Reading is as lenient as HTCondor's: any separators, `Z`, `+hhmm`, a `T` with a colon after it, `2d3h4m5s`. Where no
 * offset is given UTC is meant: protocol code knows no local zone.
 */
export function parseAbsoluteTime(text: string): AbsoluteTime | undefined {
  if (text.length > TIME_CHARS_MAX) return undefined
  // The end of `2004-01-0101` could be an offset, that of a date alone cannot.
  const zone = DATE_ALONE.test(text) ? null : ZONE.exec(text)
  const found = DATE_AND_TIME.exec(zone ? text.slice(0, zone.index) : text)
  if (!found) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1).map((part) => (part ? Number(part) : undefined))
  const days = daysFromCivil(year!, month ?? 1, day ?? 1)
  const sign = zone?.[1] === '-' ? -1 : 1
  const offsetS = sign * (Number(zone?.[2] ?? 0) * 3600 + Number(zone?.[3] ?? 0) * 60)
  return momentAt(days * 86_400 + (hour ?? 0) * 3600 + (minute ?? 0) * 60 + (second ?? 0) - offsetS, offsetS)
}

/** No spelling of a time is longer; this also keeps the patterns below from long work. */
const TIME_CHARS_MAX = 64

const DATE_ALONE = /^[^0-9]*[0-9]{4}-[0-9]{2}(?:-?[0-9]{2})?\s*$/
const ZONE = /\s*(?:[zZ]|([+-])([0-9]{2}):?([0-9]{2}))\s*$/
const DATE_AND_TIME = new RegExp(`^[^0-9]*([0-9]{4})${'(?:[^0-9]*([0-9]{2}))?'.repeat(5)}[^0-9]*$`)

export function formatAbsoluteTime(time: AbsoluteTime): string {
  const { year, month, day, hour, minute, second } = fieldsOf(time)
  const offsetMinutes = Math.trunc(Math.abs(time.offsetS) / 60)
  const zone = `${time.offsetS < 0 ? '-' : '+'}${two(Math.trunc(offsetMinutes / 60))}:${two(offsetMinutes % 60)}`
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${zone}`
}

export function parseRelativeTime(text: string): RelativeTime | undefined {
  if (text.length > TIME_CHARS_MAX) return undefined
  const found = CLOCK_SPAN.exec(text) ?? LETTERED_SPAN.exec(text)
  if (!found || !/[0-9]/.test(text)) return undefined
  const [days, hours, minutes, seconds] = found.slice(2).map((part) => Number(part ?? 0))
  const total = days! * 86_400 + hours! * 3600 + minutes! * 60 + seconds!
  return spanOf(found[1] === '-' ? -total : total)
}

/** Without hours the first part before a colon is minutes. */
const CLOCK_SPAN =
  /^\s*(-?)\s*(?:([0-9]+)\s*[dD+])?\s*(?:([0-9]+)\s*:)?\s*([0-9]+)\s*:\s*([0-9]+(?:\.[0-9]*)?)\s*[sS]?\s*$/

const LETTERED_SPAN =
  /^\s*(-?)\s*(?:([0-9]+)\s*[dD+])?\s*(?:([0-9]+)\s*[hH])?\s*(?:([0-9]+)\s*[mM])?\s*(?:([0-9]+(?:\.[0-9]*)?)\s*[sS]?)?\s*$/

export function formatRelativeTime(time: RelativeTime): string {
  const sign = time.seconds < 0 ? '-' : ''
  const total = Math.abs(time.seconds)
  const whole = Math.trunc(total)
  const fraction = total === whole ? '' : (total - whole).toFixed(3).slice(1)
  const days = Math.trunc(whole / 86_400)
  const hours = Math.trunc(whole / 3600) % 24
  const minutes = Math.trunc(whole / 60) % 60
  const seconds = whole % 60
  if (days > 0) return `${sign}${days}+${two(hours)}:${two(minutes)}:${two(seconds)}${fraction}`
  if (hours > 0) return `${sign}${hours}:${two(minutes)}:${two(seconds)}${fraction}`
  if (minutes > 0) return `${sign}${minutes}:${two(seconds)}${fraction}`
  return `${sign}${seconds}${fraction}`
}

export interface TimeFields {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** The calendar fields of a moment as they are read at its offset. */
export function fieldsOf(time: AbsoluteTime): TimeFields {
  const local = Math.floor(time.unixS) + time.offsetS
  const days = Math.floor(local / 86_400)
  const seconds = local - days * 86_400
  return {
    ...civilFromDays(days),
    hour: Math.trunc(seconds / 3600),
    minute: Math.trunc(seconds / 60) % 60,
    second: seconds % 60,
  }
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function civilFromDays(days: number): Pick<TimeFields, 'year' | 'month' | 'day'> {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthShifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthShifted < 10 ? monthShifted + 3 : monthShifted - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthShifted + 2) / 5) + 1,
  }
}

export function two(value: number): string {
  return String(value).padStart(2, '0')
}
