/**
 * How much a refusal weighs against the peer whose message was refused. What an honest node can be made to say, by a clock, a loss, a
 * neighbouring version or somebody else's words that it passes on, weighs little or nothing; what no version of ours ever sends weighs
 * much. At a hundred together a peer is cut off (`SCORE_DEFAULTS`).
 */
export const OFFENCE_WEIGHTS: Readonly<Record<string, number>> = {
  /** A length that no message has. */
  oversized: 16,
  /** Bytes that are no message of any version: not our encoding at all. */
  unreadable: 8,
  /** A signature that does not hold. Honest nodes check before they pass on. */
  forged: 6,
  /** Takes nothing of what it has asked for, for as long as a connection lasts that is cut. */
  stalled: 8,
  /** Asks on and on while what it asked for before waits to be read, to the bound of what may wait. */
  unread: 0.5,
  /** Asks for more before it took what it had asked for. */
  ahead: 4,
  /** Well encoded, and of no known form. A newer neighbour may say something that we do not know yet, once a second at most. */
  malformed: 1,
  /** Opens more streams than it may. Nodes of ours that look up much at once can, for a moment. */
  streams: 0.5,
  /** More than its share, which a node that has fallen behind may well ask for. */
  rate: 0.1,
  busy: 0.05,
  /** By this machine's clock, which may be the one that is wrong. */
  expired: 0.02,
  'lives-too-long': 0.02,
  /** Its owner signed two; who passes one of them on did nothing wrong. */
  conflict: 0,
}

/** Protocols may have reasons of their own, which are theirs to judge; so many of them are an offence all the same. */
const OTHER_WEIGHT = 0.05

export function weightOf(reason: string): number {
  return Object.hasOwn(OFFENCE_WEIGHTS, reason) ? OFFENCE_WEIGHTS[reason]! : OTHER_WEIGHT
}
