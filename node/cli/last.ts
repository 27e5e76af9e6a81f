import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Last {
  get(kind: string): string | undefined
  set(kind: string, id: string): void
}

/**
 * The ids that `@last` stands for, kept in a small file of the user's. It is a convenience: a file that cannot be read or
 * written makes `@last` unknown, and nothing else fails.
 */
export function lastIds(file: string): Last {
  const read = (): Record<string, unknown> => {
    try {
      const ids: unknown = JSON.parse(readFileSync(file, 'utf8'))
      return typeof ids === 'object' && ids !== null ? { ...ids } : {}
    } catch {
      return {}
    }
  }
  return {
    get(kind) {
      const ids = read()
      const id = Object.hasOwn(ids, kind) ? ids[kind] : undefined
      return typeof id === 'string' ? id : undefined
    },
    set(kind, id) {
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
        writeFileSync(file, JSON.stringify({ ...read(), [kind]: id }), { mode: 0o600 })
      } catch {
        // As said above.
      }
    },
  }
}
