import { readFileSync } from 'node:fs'
import { platform, release } from 'node:os'

/** JSDL 1.0 (GFD.136), section 5.2.2: OperatingSystemTypeEnumeration, after the CIM of DMTF. */
const JSDL_SYSTEMS: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: 'LINUX',
  darwin: 'MACOS',
  freebsd: 'FreeBSD',
  openbsd: 'OpenBSD',
  netbsd: 'NetBSD',
  sunos: 'SunOS',
  aix: 'AIX',
  win32: 'WINNT',
}

/** `OsVersion` is the distribution's where it names one, for `Kernel` has the kernel's. */
export function measurePlatform(): { Os: string; OsVersion: string; Kernel: string } {
  return { Os: JSDL_SYSTEMS[platform()] ?? 'other', OsVersion: distributionVersion() ?? release(), Kernel: release() }
}

/** os-release(5). */
function distributionVersion(): string | undefined {
  try {
    return /^VERSION_ID="?([^"\n]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
