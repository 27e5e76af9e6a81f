type Fields = Readonly<Record<string, unknown>>

/** A log of events with fields: `log.info({ job, node, waitedMs }, 'job placed')`. */
export interface Log {
  debug(fields: Fields, message: string): void
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
}
