/**
 * The value of an attribute as it is stored, sent and shown in JSON. Numbers of a known attribute have the kind that the
 * table says; of any other, a whole number is an integer and the rest are reals.
 */
export type AttributeValue = number | string | boolean | readonly string[]

/** Attributes by name, in the spelling of the table or of who made the label; looked up without regard to case. */
export type Attributes = Readonly<Record<string, AttributeValue>>
