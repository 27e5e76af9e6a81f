import type { Crypto, Plain } from '../../overlay/index.ts'

/** 26 characters of Crockford's base32 in lower case (no i, l, o, u): 130 bits. Any unique prefix names the job. */
export type JobId = string

/** `<job>.<attempt>.<index>`: one unit of one attempt to place the job. Never used twice. */
export type UnitId = string

export const JOB_ID_CHARS = 26

/** A job id, two counters of at most 7 digits, two dots. */
export const UNIT_ID_CHARS_MAX = 42

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * The id of the job that a signed statement asks for. It follows from the statement, whose nonce makes it unique: sending
 * the same statement twice is one job, and no controller can make two jobs of one signature.
 */
export function jobIdOf(statement: Plain, crypto: Pick<Crypto, 'hash'>): JobId {
  const digest = crypto.hash(['job', statement])
  let id = ''
  let bits = 0
  let held = 0
  for (const byte of digest) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5 && id.length < JOB_ID_CHARS) {
      bits -= 5
      id += ALPHABET[(held >>> bits) & 31]!
    }
    held &= (1 << bits) - 1
  }
  return id
}

export function unitIdOf(jobId: JobId, attempt: number, index: number): UnitId {
  return `${jobId}.${attempt}.${index}`
}

export function isJobId(text: string): boolean {
  return /^[0-9a-hjkmnp-tv-z]{26}$/.test(text)
}

/** The parts of a unit id; undefined where it is none. */
export function parseUnitId(text: string): { jobId: JobId; attempt: number; index: number } | undefined {
  const match = /^([0-9a-hjkmnp-tv-z]{26})\.([1-9][0-9]{0,6})\.(0|[1-9][0-9]{0,6})$/.exec(text)
  return match ? { jobId: match[1]!, attempt: Number(match[2]), index: Number(match[3]) } : undefined
}
