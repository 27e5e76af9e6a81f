import { Level } from 'level'
import { RoostError } from '../../overlay/index.ts'
import { diskError } from '../disk/index.ts'

export type Database = Level<string, Uint8Array>

/** Opens the plugin's database; `STORE_FAILED` where it is damaged or another process has it. */
export async function openDatabase(path: string): Promise<Database> {
  const database: Database = new Level(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    await database.open()
    return database
  } catch (thrown) {
    throw storeError(thrown, `the database ${path} could not be opened`)
  }
}

/** A failed operation of the database: `DISK_FULL`, `DIRECTORY_UNWRITABLE`, or `STORE_FAILED`. */
export function storeError(thrown: unknown, doing: string): RoostError {
  return diskError(thrown, doing, 'STORE_FAILED')
}
