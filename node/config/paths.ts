import { homedir } from 'node:os'
import { join } from 'node:path'

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface DefaultPaths {
  /** Where the daemon keeps what it must not lose. */
  readonly dataDir: string
  /** Where the user's own key and certificates lie. */
  readonly userDir: string
  /** Configuration files, the one that counts more first. */
  readonly configFiles: readonly string[]
}

/**
 * Where roost looks when nobody says otherwise, after the XDG Base Directory Specification 0.8: a relative path in one of
 * its variables is ignored. The superuser without `XDG_DATA_HOME` is taken for a machine's service and uses `/var/lib`.
 */
export function defaultPaths(env: Environment, options: { readonly isSuperuser: boolean }): DefaultPaths {
  const home = env['HOME'] || homedir()
  const configHome = absolute(env['XDG_CONFIG_HOME']) ?? join(home, '.config')
  const dataHome = absolute(env['XDG_DATA_HOME']) ?? (options.isSuperuser ? '/var/lib' : join(home, '.local', 'share'))
  const userDir = join(configHome, 'roost')
  return {
    dataDir: join(dataHome, 'roost'),
    userDir,
    configFiles: [join(userDir, 'config.yaml'), '/etc/roost/config.yaml'],
  }
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined
}
