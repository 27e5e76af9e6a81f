import { decode, encode } from 'cborg'
import { shape } from '../../overlay/index.ts'
import type { Governor, GovernorStore } from '../protocol/index.ts'
import { storeError, type Database } from './database.ts'

const PREFIX = 'governor!'

const governor: shape.Shape<Governor> = shape.record({
  home: shape.peerId,
  controller: shape.peerId,
  epoch: shape.integer(1),
})

/** Who controls the jobs of each home, as this node was told. `STORE_FAILED` where an entry is damaged: whom to obey is not guessed. */
export function openGovernorStore(database: Database): GovernorStore {
  const write = async (writes: Parameters<Database['write']>[0]): Promise<void> => {
    try {
      await database.write(writes)
    } catch (thrown) {
      throw storeError(thrown, 'who controls jobs could not be written down')
    }
  }
  return {
    put: (entry) => write([{ type: 'put', key: PREFIX + entry.home, value: encode(entry) }]),
    remove: (home) => write([{ type: 'del', key: PREFIX + home }]),
    list: async () => {
      try {
        const rows = await database.entries({ gte: PREFIX, lt: 'governor"' })
        return rows.map(([, value]) => governor(decode(value), 'governor'))
      } catch (thrown) {
        throw storeError(thrown, 'who controls jobs could not be read')
      }
    },
  }
}
