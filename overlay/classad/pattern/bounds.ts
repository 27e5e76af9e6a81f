/** Characters of a pattern. */
export const PATTERN_CHARS_MAX = 4_096

/** Counts in `{n,m}`. */
export const PATTERN_COUNT_MAX = 1_000

/** Instructions of a pattern's program: a text of n characters costs at most n times this. */
export const PATTERN_INSTRUCTIONS_MAX = 4_000

/** Groups within each other. */
export const PATTERN_DEPTH_MAX = 100

/** Programs kept for the next evaluation; the one that was made first gives way. */
export const PATTERNS_KEPT_MAX = 256
