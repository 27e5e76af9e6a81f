import { shape, type Plain } from '../../../overlay/index.ts'

/**
 * Who has used how much of late. Usage is in core-seconds and fades: it counts half after `USAGE_HALF_LIFE_MS`, a quarter after twice that.
 * Who used more than their share comes later, who used less comes sooner, and old use is forgiven (Kay and Lauder, "A fair share
 * scheduler", CACM 1988; Jackson, Snell and Clement, "Core algorithms of the Maui scheduler", JSSPP 2001). The factor is that of Slurm's
 * multifactor plugin, `2^(-usage share / entitled share)`: 1 for who used nothing, a half for who used just their share.
 *
 * Two deviations. Slurm divides by all that was used, so that the first second on an idle machine is the whole of it, and stays so until
 * somebody else uses some; here a quiet `QUIET_CORE_SECONDS` is used by nobody, and the factor returns to 1 by itself. And the table is
 * bounded: a new user in a full one takes the place of whoever used least, and takes over what that one used (Space-Saving: Metwally,
 * Agrawal and El Abbadi, ICDT 2005). So nobody in the table counts for less than they used, nor for more than that
 * and a `usersCountMax`th of all use; many names of one person gain nothing over a few.
 *
 * All use fades alike, so nothing has to be touched as time goes: amounts are kept as they would be at one moment (forward decay: Cormode,
 * Shkapenyuk, Srivastava and Xu, ICDE 2009).
 */
export class FairShare {
  readonly #halfLifeMs: number
  readonly #usersCountMax: number
  readonly #weights: ReadonlyMap<string, number>
  /** By user, in core-seconds of `#sinceMs`: what is charged later is worth more by then. */
  readonly #amounts = new Map<string, number>()
  #total = 0
  #weightTotal = 0
  #sinceMs: number
  #latestMs: number

  constructor(nowMs: number, options: FairShareOptions = {}) {
    this.#halfLifeMs = options.halfLifeMs ?? USAGE_HALF_LIFE_MS
    this.#usersCountMax = options.usersCountMax ?? USERS_COUNT_MAX
    this.#weights = options.weights ?? new Map()
    this.#sinceMs = this.#latestMs = nowMs
  }

  /** Adds to what a user has used. Time never runs backwards here: an earlier `nowMs` counts as the latest that was seen. */
  charge(user: string, coreSeconds: number, nowMs: number): void {
    if (!(coreSeconds > 0)) return
    this.#advance(nowMs)
    const amount = coreSeconds * this.#worth()
    const before = this.#amounts.get(user) ?? this.#admit(user)
    this.#amounts.set(user, before + amount)
    this.#total += amount
  }

  /** Core-seconds that still count, at `nowMs`. */
  usage(user: string, nowMs: number): number {
    this.#advance(nowMs)
    return (this.#amounts.get(user) ?? 0) / this.#worth()
  }

  /** From 1, for who used nothing, towards 0; one half where the share used is the share entitled to. */
  factor(user: string, nowMs: number): number {
    this.#advance(nowMs)
    const amount = this.#amounts.get(user)
    if (amount === undefined) return 1
    const usedShare = amount / (this.#total + QUIET_CORE_SECONDS * this.#worth())
    const entitledShare = this.#weightOf(user) / this.#weightTotal
    return 2 ** -(usedShare / entitledShare)
  }

  get usersCount(): number {
    return this.#amounts.size
  }

  /** For the disk. `atMs` must be of a clock that goes on over restarts. */
  toPlain(nowMs: number): Plain {
    this.#advance(nowMs)
    const worth = this.#worth()
    const users = Array.from(this.#amounts, ([user, amount]) => ({ user, coreSeconds: amount / worth }))
    return { atMs: this.#latestMs, users }
  }

  /** What `toPlain` gave, at a later time. `MESSAGE_MALFORMED` where it is not that. */
  static fromPlain(value: unknown, nowMs: number, options: FairShareOptions = {}): FairShare {
    const { atMs, users } = kept(value, 'usage')
    const share = new FairShare(atMs, options)
    for (const { user, coreSeconds } of users) share.charge(user, coreSeconds, atMs)
    share.#advance(nowMs)
    return share
  }

  /** What a new user begins with: nothing, or in a full table what the one that it displaces had. */
  #admit(user: string): number {
    let inherited = 0
    if (this.#amounts.size >= this.#usersCountMax) {
      let least: string | undefined
      inherited = Infinity
      for (const [other, amount] of this.#amounts) if (amount < inherited) [least, inherited] = [other, amount]
      this.#forget(least!)
    }
    this.#weightTotal += this.#weightOf(user)
    return inherited
  }

  #forget(user: string): void {
    this.#amounts.delete(user)
    this.#weightTotal -= this.#weightOf(user)
  }

  #weightOf(user: string): number {
    return this.#weights.get(user) ?? 1
  }

  /** How many core-seconds of `#sinceMs` one of the latest moment is. */
  #worth(): number {
    return 2 ** ((this.#latestMs - this.#sinceMs) / this.#halfLifeMs)
  }

  #advance(nowMs: number): void {
    if (nowMs <= this.#latestMs) return
    this.#latestMs = nowMs
    if (nowMs - this.#sinceMs > REBASE_HALF_LIVES * this.#halfLifeMs) this.#rebase()
  }

  /** Counts from the latest moment on, and forgets who used next to nothing. Sums are taken anew, so that rounding does not add up. */
  #rebase(): void {
    const worth = this.#worth()
    this.#sinceMs = this.#latestMs
    this.#total = 0
    for (const [user, before] of this.#amounts) {
      const amount = before / worth
      if (amount < NEGLIGIBLE_CORE_SECONDS) this.#forget(user)
      else {
        this.#amounts.set(user, amount)
        this.#total += amount
      }
    }
  }
}

export interface FairShareOptions {
  readonly halfLifeMs?: number
  readonly usersCountMax?: number
  /** What users are entitled to in proportion to each other; 1 where nothing is said. Must be above 0. */
  readonly weights?: ReadonlyMap<string, number>
}

/**
 * A week, as with Slurm. Shorter forgives a burst of work sooner, but lets whoever submits on every Monday come first on every Monday.
 */
export const USAGE_HALF_LIFE_MS = 7 * 24 * 3_600_000

/** Users that a node keeps account of. */
export const USERS_COUNT_MAX = 10_000

/** An hour of one core: use that is small beside this makes no difference. */
export const QUIET_CORE_SECONDS = 3_600

const NEGLIGIBLE_CORE_SECONDS = 1

/** Amounts grow by at most 2^8 before they are counted anew. */
const REBASE_HALF_LIVES = 8

const USER_CHARS_MAX = 256

const kept = shape.record({
  atMs: shape.real,
  users: shape.list(shape.record({ user: shape.text(USER_CHARS_MAX), coreSeconds: shape.real }), USERS_COUNT_MAX),
})
