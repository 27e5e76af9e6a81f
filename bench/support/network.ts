import { createSurroundings, generateKey, rawPrivateKey } from '../../node/keys/index.ts'
import { createNetwork, type Network } from '../../node/net/index.ts'

/** A daemon's network that everybody may join. */
export async function startNetwork(): Promise<Network> {
  const key = generateKey()
  const nothing = (): void => {}
  return await createNetwork(
    { privateKey: rawPrivateKey(key), listen: ['/ip4/127.0.0.1/tcp/0'] },
    {
      surroundings: createSurroundings(key),
      admission: { present: () => 'member', check: () => ({ untilMs: Date.now() + 3_600_000 }) },
      vo: () => '0'.repeat(64),
      log: { debug: nothing, info: nothing, warn: console.error, error: console.error },
    },
  )
}
