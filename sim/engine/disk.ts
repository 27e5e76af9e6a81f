import type { Plain } from '../../overlay/env/index.ts'

/** What a node keeps when it crashes. A write is on the disk when it returns; what is read is a copy. */
export class Disk {
  readonly #files = new Map<string, Plain>()

  read(name: string): Plain {
    return structuredClone(this.#files.get(name))
  }

  write(name: string, value: Plain): void {
    this.#files.set(name, structuredClone(value))
  }

  remove(name: string): void {
    this.#files.delete(name)
  }

  /** The disk is lost, and the node comes back on an empty one. */
  erase(): void {
    this.#files.clear()
  }
}
