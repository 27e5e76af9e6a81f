import { pino, type Logger } from 'pino'
import { logLine } from './log-line.ts'
import type { DaemonOptions } from './options.ts'
import { lossyStderr } from './stderr.ts'

/**
 * The daemon's log, on stderr: one JSON object a line, or readable lines for a terminal. Written synchronously, so that the
 * last line before a crash is there to read.
 */
export async function createLog({
  logLevel,
  logFormat,
}: Pick<DaemonOptions, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const options = {
    level: logLevel,
    base: null,
    serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
  }
  if (logFormat === 'json') return pino(options, lossyStderr())
  const { default: pretty } = await import('pino-pretty')
  return pino(
    options,
    pretty({
      destination: lossyStderr(),
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'pid,hostname,name',
      hideObject: true,
      messageFormat: logLine,
    }),
  )
}
