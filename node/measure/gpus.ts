import { readdir, readFile } from 'node:fs/promises'
import { run } from './run.ts'

export interface Gpus {
  Gpus: number
  GpuModel?: string
  /** Bytes of one. */
  GpuMemory?: number
}

/** How long the driver's own tool may think; on a busy machine it takes a second. */
const NVIDIA_MS_MAX = 3_000

const AMD_VENDOR = '0x1002'

/** Graphics processors by their drivers: NVIDIA's tool tells of memory, its directory in /proc of models; AMD's is in /sys. */
export async function measureGpus(): Promise<Gpus> {
  const boards = await nvidiaBoards()
  if (boards.length > 0) return (await askNvidia()) ?? (await readNvidia(boards))
  return readAmd()
}

async function nvidiaBoards(): Promise<string[]> {
  return readdir('/proc/driver/nvidia/gpus').catch(() => [])
}

async function askNvidia(): Promise<Gpus | undefined> {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits']
  const output = await run('nvidia-smi', query, { timeoutMs: NVIDIA_MS_MAX })
  const cards = (output ?? '').split('\n').filter((line) => line.includes(','))
  const match = /^(.*),\s*(\d+)\s*$/.exec(cards[0] ?? '')
  return match ? { Gpus: cards.length, GpuModel: match[1]!.trim(), GpuMemory: Number(match[2]) * 1_048_576 } : undefined
}

async function readNvidia(boards: readonly string[]): Promise<Gpus> {
  const about = await readFile(`/proc/driver/nvidia/gpus/${boards[0]}/information`, 'utf8').catch(() => '')
  const model = /^Model:\s*(.+)$/m.exec(about)?.[1]
  return { Gpus: boards.length, ...(model && { GpuModel: model.trim() }) }
}

async function readAmd(): Promise<Gpus> {
  const cards = (await readdir('/sys/class/drm').catch(() => [])).filter((name) => /^card\d+$/.test(name))
  const memories: number[] = []
  for (const card of cards) {
    const vendor = await readFile(`/sys/class/drm/${card}/device/vendor`, 'utf8').catch(() => '')
    if (vendor.trim() !== AMD_VENDOR) continue
    const bytes = await readFile(`/sys/class/drm/${card}/device/mem_info_vram_total`, 'utf8').catch(() => '0')
    memories.push(Number(bytes))
  }
  return { Gpus: memories.length, ...(memories[0] && { GpuMemory: memories[0] }) }
}
