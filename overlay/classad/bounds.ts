/**
 * The bounds of the language. Expressions arrive from other nodes, so that their text, their tree and the work of
 * evaluating them all end. Beyond the first four parsing fails with `EXPRESSION_TOO_LARGE`; beyond the others the value is
 * an error with a reason.
 */

/** Text of one expression, in UTF-16 units. The longest real one we know (a job's Requirements) has 3,000. */
export const EXPRESSION_CHARS_MAX = 65_536

/** Text of a file of ads, in UTF-16 units. */
export const AD_CHARS_MAX = 4_194_304

/** Nodes of one expression's tree. */
export const EXPRESSION_NODES_MAX = 20_000

/** Nodes of the trees of one file of ads. */
export const AD_NODES_MAX = 1_000_000

/** Brackets, unary operators and conditionals within each other: each costs the parser a few stack frames. */
export const NESTING_DEPTH_MAX = 150

/** Height of a tree: a chain of `a || b || ...` is as high as it is long, and evaluating it goes as deep. */
export const EXPRESSION_HEIGHT_MAX = 1_000

/** Height of all trees under evaluation at one moment, summed along the chain of attributes that refer to each other. */
export const EVALUATION_DEPTH_MAX = 1_500

/**
 * Steps of one evaluation: a node of a tree, an item of a list, eight characters of a text that is made or 64 that are
 * compared, four instructions of a pattern. A usual `where` takes twenty; the worst expression keeps a machine of 2026 busy
 * for some 50 ms.
 */
export const EVALUATION_STEPS_MAX = 300_000

/** Characters of a text that an expression makes. */
export const TEXT_VALUE_CHARS_MAX = 1_048_576

/** Items of a list that an expression makes. */
export const LIST_ITEMS_MAX = 65_536
