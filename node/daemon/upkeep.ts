import type { Discovery } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import type { Network } from '../net/index.ts'
import type { Vo } from '../vo/index.ts'
import type { SelfDescription } from './self-description.ts'

/** Certificates have weeks, so that an hour more or less is nothing. */
const RENEWAL_MS = 3_600_000
/** Software and disks: looking costs a process for each program that tells its version. */
const MEASURE_MS = 900_000

export interface UpkeepParts {
  readonly discovery: Discovery
  readonly network: Network
  readonly vo: Vo
  readonly self: SelfDescription
  readonly log: Log
}

/** What a daemon does again and again for itself. Returns how to stop. */
export function startUpkeep(parts: UpkeepParts): () => void {
  const { discovery, network, self, log } = parts
  const every = (delayMs: number, what: string, action: () => void | Promise<void>): NodeJS.Timeout =>
    setInterval(() => {
      Promise.resolve()
        .then(action)
        .catch((error: unknown) => log.warn({ error, what }, 'upkeep failed; it is tried again'))
    }, delayMs).unref()
  const timers = [
    every(RENEWAL_MS, 'renewal', () => renew(parts)),
    every(MEASURE_MS, 'measuring', async () => {
      await self.measure()
      discovery.update({ attributes: self.attributes() })
    }),
  ]
  // A laptop moves, a relay goes: others must learn of it before they need it.
  const stopAddresses = network.onAddresses((addresses) => discovery.update({ addresses }))
  const addresses = network.addresses()
  if (addresses.join() !== discovery.own().addresses.join()) discovery.update({ addresses })
  void renew(parts).catch((error: unknown) => log.warn({ error }, 'the certificate could not be renewed yet'))
  return () => {
    stopAddresses()
    timers.forEach((timer) => clearInterval(timer))
  }
}

/** The authority's node is asked where it is now, else where it was when this node joined. */
async function renew({ vo, network, discovery, log }: UpkeepParts): Promise<void> {
  const addresses = [...(discovery.get(vo.authorityPeer)?.addresses ?? []), ...vo.authorityAddresses]
  const isRenewed = await vo.renew(async (_, request) => (await network.requestJoin(addresses, request)).reply)
  if (isRenewed) log.info({ untilMs: vo.expiresAtMs }, 'certificate renewed')
}
