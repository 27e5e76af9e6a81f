import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus } from 'node:os'

/** JSDL 1.0 (GFD.136), section 5.2.1: ProcessorArchitectureEnumeration. It has one word for all of ARM. */
const JSDL_ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'x86_64',
  ia32: 'x86_32',
  arm: 'arm',
  arm64: 'arm',
  ppc64: 'powerpc',
  mips: 'mips',
  mipsel: 'mips',
}

/** `Cores` counts what this process may run on: its affinity and its cgroup's share, not all that the machine has. */
export function measureProcessors(): {
  Cores: number
  CpuSpeed?: number
  CpuModel?: string
  Arch: string
} {
  const processors = cpus()
  const speedMhz = fastestMhz() ?? Math.max(0, ...processors.map((cpu) => cpu.speed))
  const model = processors[0]?.model.replace(/\s+/g, ' ').trim()
  return {
    Cores: availableParallelism(),
    ...(speedMhz > 0 && { CpuSpeed: speedMhz }),
    ...(model && model !== 'unknown' && { CpuModel: model }),
    Arch: JSDL_ARCHITECTURES[arch()] ?? 'other',
  }
}

/** The speed that the processor can run at. What `os.cpus` tells is the speed of this moment. */
function fastestMhz(): number | undefined {
  try {
    return Number(readFileSync('/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq', 'utf8')) / 1000
  } catch {
    return undefined
  }
}
