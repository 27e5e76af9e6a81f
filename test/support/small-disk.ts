import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const NO_MOUNT = 'this machine does not allow mounting a small disk'

const FILLER = 'filler'

/** A disk of a test, a tmpfs: it can be filled, and freed again. */
export class SmallDisk {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Undefined where this machine does not let us mount one. */
  static mount(kib: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'roost-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', path], { stdio: 'ignore' })
    } catch {
      rmdirSync(path)
      return undefined
    }
    return new SmallDisk(path)
  }

  fill(): void {
    const file = openSync(join(this.path, FILLER), 'a')
    try {
      for (;;) writeSync(file, Buffer.alloc(4_096))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(join(this.path, FILLER), { force: true })
  }

  makeReadOnly(isReadOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.path])
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path])
    rmdirSync(this.path)
  }
}
