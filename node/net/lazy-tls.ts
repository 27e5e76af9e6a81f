import type { ConnectionEncrypter } from '@libp2p/interface'
import type { TLSComponents } from '@libp2p/tls'

/**
 * TLS for connections, loaded when a peer first asks for it. Every roost has noise and prefers it, so that is seldom; and the
 * certificates of TLS bring some 250 modules along, which take a fifth of a second and 15 MiB.
 */
export function lazyTls(): (components: TLSComponents) => ConnectionEncrypter {
  return (components) => {
    let loading: Promise<ConnectionEncrypter> | undefined
    const load = (): Promise<ConnectionEncrypter> =>
      (loading ??= import('@libp2p/tls').then(({ tls }) => tls()(components)))
    return {
      protocol: '/tls/1.0.0',
      secureInbound: async (connection, options) => (await load()).secureInbound(connection, options),
      secureOutbound: async (connection, options) => (await load()).secureOutbound(connection, options),
    }
  }
}
