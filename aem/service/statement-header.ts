/** The request header with a SignedStatement `job.read`, CBOR in base64. It travels along where a request is passed on. */
export const STATEMENT_HEADER = 'roost-statement'

/** A statement and its certificate have some 1,200 characters. */
export const STATEMENT_HEADER_CHARS_MAX = 8_192
