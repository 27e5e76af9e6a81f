import { Ad } from '../ad.ts'
import { asInteger, asReal } from '../convert.ts'
import { frameIn, type Run } from '../frame.ts'
import { daysFromCivil, fieldsOf, parseAbsoluteTime, parseRelativeTime, two, type TimeFields } from '../time-text.ts'
import { AbsoluteTime, ErrorValue, momentAt, RelativeTime, spanOf, type LiteralValue, type Value } from '../value.ts'
import { strict, takes, wrong, type FunctionTable } from './function.ts'
import { made } from './text.ts'

const WITHOUT_CLOCK = new ErrorValue('this function needs a clock, and none was given')

/** Times of day and dates are those of UTC, unless a moment carries an offset of its own. */
export const TIME_FUNCTIONS: FunctionTable = {
  time: takes(0, 0, (_, run) => withClock(run, (unixS) => asInteger(unixS))),
  currentTime: takes(0, 0, (_, run) => withClock(run, (unixS) => new AbsoluteTime(unixS, 0))),
  timeZoneOffset: takes(0, 0, () => new RelativeTime(0)),
  dayTime: takes(0, 0, (_, run) => withClock(run, (unixS) => new RelativeTime(unixS % 86_400))),
  absTime: takes(0, 2, (values, run) => absoluteTime(values, run)),
  relTime: strict(1, 1, ([value]) => relativeTime(value)),
  getYear: field('year'),
  getMonth: field('month'),
  getDayOfMonth: field('day'),
  getDayOfYear: part('getDayOfYear', (time) => asInteger(dayOfYear(fieldsOf(time)))),
  getDayOfWeek: part('getDayOfWeek', (time) => asInteger(dayOfWeek(fieldsOf(time)))),
  getDays: part('getDays', undefined, (seconds) => asInteger(Math.trunc(seconds / 86_400))),
  getHours: field('hour', (seconds) => asInteger(Math.trunc((seconds % 86_400) / 3600))),
  getMinutes: field('minute', (seconds) => asInteger(Math.trunc((seconds % 3600) / 60))),
  getSeconds: field('second', (seconds) => asInteger(Math.trunc(seconds % 60))),
  splitTime: strict(1, 1, ([value]) => splitTime(value)),
  formatTime: strict(0, 2, ([value, format = '%c'], run) => {
    if (typeof format !== 'string') return wrong('formatTime', 'a time and a format')
    if (value === undefined)
      return withClock(run, (unixS) => made(formatTime(fieldsOf(new AbsoluteTime(unixS, 0)), format, 0), run))
    if (value instanceof Ad) return made(formatTime(fieldsOfAd(value, run), format, 0), run)
    const moment = momentOf(value)
    return moment
      ? made(formatTime(fieldsOf(moment), format, moment.offsetS), run)
      : wrong('formatTime', 'a time and a format')
  }),
  interval: strict(1, 1, ([value]) => {
    const seconds = asInteger(value)
    return typeof seconds === 'bigint' ? interval(seconds) : wrong('interval', 'a number of seconds')
  }),
}

function withClock(run: Run, make: (unixS: number) => Value): Value {
  const { wallMs } = run.context
  return wallMs === undefined ? WITHOUT_CLOCK : make(Math.floor(wallMs / 1000))
}

function absoluteTime(values: readonly Value[], run: Run): Value {
  if (values.length === 0) return withClock(run, (unixS) => new AbsoluteTime(unixS, 0))
  const error = values.find((value) => value instanceof ErrorValue)
  if (error !== undefined) return error
  if (values.includes(undefined)) return undefined
  const [value, zone] = values
  if (typeof value === 'string')
    return (zone === undefined ? parseAbsoluteTime(value) : undefined) ?? wrong('absTime', 'a date and time as text')
  if (zone === undefined && value instanceof AbsoluteTime) return value
  const offsetS = zone === undefined ? 0 : asReal(zone)
  const unixS = typeof value === 'boolean' ? undefined : asReal(value)
  const moment = typeof unixS === 'number' && typeof offsetS === 'number' ? momentAt(unixS, offsetS) : undefined
  return moment ?? wrong('absTime', 'seconds since 1970 and an offset in seconds')
}

function relativeTime(value: Value): Value {
  if (typeof value === 'string') return parseRelativeTime(value) ?? wrong('relTime', 'a span of time as text')
  const seconds = typeof value === 'boolean' ? undefined : asReal(value)
  return (typeof seconds === 'number' ? spanOf(seconds) : undefined) ?? wrong('relTime', 'a number of seconds')
}

function field(name: keyof TimeFields, ofSpan?: (seconds: number) => Value) {
  return part(`get ${name}`, (time) => asInteger(fieldsOf(time)[name]), ofSpan)
}

function part(name: string, ofMoment?: (time: AbsoluteTime) => Value, ofSpan?: (seconds: number) => Value) {
  return strict(1, 1, ([value]) => {
    if (value instanceof AbsoluteTime && ofMoment) return ofMoment(value)
    if (value instanceof RelativeTime && ofSpan) return ofSpan(value.seconds)
    return wrong(name, ofMoment ? 'a moment' : 'a span of time')
  })
}

/** A number counts seconds since 1970. */
function momentOf(value: Value): AbsoluteTime | undefined {
  if (value instanceof AbsoluteTime) return value
  return typeof value === 'bigint' || typeof value === 'number' ? momentAt(Number(value), 0) : undefined
}

function splitTime(value: Value): Value {
  if (value instanceof RelativeTime) return splitSpan(value.seconds)
  const moment = momentOf(value)
  if (moment === undefined) return wrong('splitTime', 'a time')
  const { year, month, day, hour, minute, second } = fieldsOf(moment)
  return adOf({
    Type: 'AbsoluteTime',
    Year: asInteger(year),
    Month: asInteger(month),
    Day: asInteger(day),
    Hours: asInteger(hour),
    Minutes: asInteger(minute),
    Seconds: asInteger(second),
    Offset: asInteger(moment.offsetS),
  })
}

/** The first part that is not zero carries the sign. */
function splitSpan(total: number): Value {
  const size = Math.abs(total)
  const parts = [Math.trunc(size / 86_400), Math.trunc(size / 3600) % 24, Math.trunc(size / 60) % 60, size % 60]
  const signed = parts.findIndex((count) => count !== 0)
  if (total < 0) parts[signed] = -parts[signed]!
  const [days, hours, minutes, seconds] = parts
  return adOf({
    Type: 'RelativeTime',
    Days: asInteger(days!),
    Hours: asInteger(hours!),
    Minutes: asInteger(minutes!),
    Seconds: seconds!,
  })
}

function adOf(attributes: Readonly<Record<string, LiteralValue>>): Ad {
  return Ad.of(Object.entries(attributes).map(([name, value]) => [name, { kind: 'literal', value }]))
}

function fieldsOfAd(ad: Ad, run: Run): TimeFields {
  const read = (name: string): number => {
    const found = ad.lookup(name)
    const value = found === undefined ? undefined : run.evaluate(found, frameIn(ad))
    return typeof value === 'bigint' || typeof value === 'number' ? Math.trunc(Number(value)) : 0
  }
  return {
    year: read('year'),
    month: read('month'),
    day: read('day'),
    hour: read('hours'),
    minute: read('minutes'),
    second: read('seconds'),
  }
}

/** `days+hh:mm:ss` without leading parts that are zero. */
function interval(total: bigint): string {
  const size = total < 0n ? -total : total
  const sign = total < 0n ? '-' : ''
  const [days, hours, minutes, seconds] = [size / 86_400n, (size / 3600n) % 24n, (size / 60n) % 60n, size % 60n].map(
    Number,
  )
  if (days! > 0) return `${sign}${days}+${two(hours!)}:${two(minutes!)}:${two(seconds!)}`
  if (hours! > 0) return `${sign}${hours}:${two(minutes!)}:${two(seconds!)}`
  return minutes! > 0 ? `${sign}${minutes}:${two(seconds!)}` : `${sign}${seconds}`
}

function dayOfYear({ year, month, day }: TimeFields): number {
  return daysFromCivil(year, month, day) - daysFromCivil(year, 1, 1)
}

/** From Sunday, which is 0. */
function dayOfWeek({ year, month, day }: TimeFields): number {
  return (((daysFromCivil(year, month, day) + 4) % 7) + 7) % 7
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
]

/** `strftime` of the C locale; a letter that it does not know stands for itself. */
function formatTime(fields: TimeFields, format: string, offsetS: number): string {
  return format.replace(/%([A-Za-z%])/g, (whole, letter: string) => FORMATS[letter]?.(fields, offsetS) ?? whole)
}

const FORMATS: Readonly<Record<string, (fields: TimeFields, offsetS: number) => string>> = {
  '%': () => '%',
  a: (fields) => (WEEKDAYS[dayOfWeek(fields)] ?? '?').slice(0, 3),
  A: (fields) => WEEKDAYS[dayOfWeek(fields)] ?? '?',
  b: ({ month }) => (MONTHS[month - 1] ?? '?').slice(0, 3),
  B: ({ month }) => MONTHS[month - 1] ?? '?',
  c: (fields) => formatTime(fields, '%a %b %e %H:%M:%S %Y', 0),
  d: ({ day }) => two(day),
  D: (fields) => formatTime(fields, '%m/%d/%y', 0),
  e: ({ day }) => String(day).padStart(2),
  F: (fields) => formatTime(fields, '%Y-%m-%d', 0),
  h: (fields) => formatTime(fields, '%b', 0),
  H: ({ hour }) => two(hour),
  I: ({ hour }) => two(hour % 12 || 12),
  j: (fields) => String(dayOfYear(fields) + 1).padStart(3, '0'),
  m: ({ month }) => two(month),
  M: ({ minute }) => two(minute),
  n: () => '\n',
  p: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  R: (fields) => formatTime(fields, '%H:%M', 0),
  S: ({ second }) => two(second),
  t: () => '\t',
  T: (fields) => formatTime(fields, '%H:%M:%S', 0),
  u: (fields) => String(dayOfWeek(fields) || 7),
  U: (fields) => two(Math.floor((dayOfYear(fields) + 7 - dayOfWeek(fields)) / 7)),
  w: (fields) => String(dayOfWeek(fields)),
  W: (fields) => two(Math.floor((dayOfYear(fields) + 7 - ((dayOfWeek(fields) + 6) % 7)) / 7)),
  x: (fields) => formatTime(fields, '%m/%d/%y', 0),
  X: (fields) => formatTime(fields, '%H:%M:%S', 0),
  y: ({ year }) => two(((year % 100) + 100) % 100),
  Y: ({ year }) => String(year),
  z: (_, offsetS) => zoneOf(offsetS),
  Z: (_, offsetS) => (offsetS === 0 ? 'UTC' : zoneOf(offsetS)),
}

function zoneOf(offsetS: number): string {
  const minutes = Math.trunc(Math.abs(offsetS) / 60)
  return `${offsetS < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}${two(minutes % 60)}`
}
