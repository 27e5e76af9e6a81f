import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

/** Bytes of memory, and with swap, that this process may use: what its cgroup allows where that is less than the machine's. */
export function measureMemory(): { Memory: number; VirtualMemory: number } {
  const constrained = process.constrainedMemory()
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return { Memory: memory, VirtualMemory: memory + Math.min(swapBytes(), cgroupSwapBytes()) }
}

function swapBytes(): number {
  const match = /^SwapTotal:\s+(\d+) kB$/m.exec(readOr('', '/proc/meminfo'))
  return match ? Number(match[1]) * 1024 : 0
}

/** cgroup v2 as a container sees its own: `max`, or bytes. */
function cgroupSwapBytes(): number {
  const limit = readOr('max', '/sys/fs/cgroup/memory.swap.max').trim()
  return limit === 'max' ? Infinity : Number(limit)
}

function readOr(otherwise: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return otherwise
  }
}
