import type { AttributeValue } from './attributes.ts'

/** What kind of value a name has. A version is text that is compared part by part; a set is a list of text without order. */
export type AttributeKind = 'integer' | 'real' | 'text' | 'version' | 'set' | 'boolean'

/** A name that every node understands the same way. */
export interface KnownAttribute {
  readonly name: string
  readonly kind: AttributeKind
  /** The unit of a number, for people. */
  readonly unit?: string
  /** Dynamic ones are measured when they are asked for, and stand in no descriptor. */
  readonly dynamic: boolean
}

/** Another standard's name for an attribute, with the way from our unit to theirs. */
export interface AttributeAlias {
  readonly alias: string
  readonly name: string
  readonly convert?: (value: AttributeValue) => AttributeValue
}

const MIB = 1_048_576

function known(dynamic: boolean, kind: AttributeKind, unit: string | undefined, ...names: string[]): KnownAttribute[] {
  return names.map((name) => ({ name, kind, dynamic, ...(unit !== undefined && { unit }) }))
}

/** The attributes of every grid. Other names are labels: any kind, said by the value itself. */
export const KNOWN_ATTRIBUTES: readonly KnownAttribute[] = [
  ...known(false, 'integer', 'logical CPUs', 'Cores'),
  ...known(false, 'real', 'MHz', 'CpuSpeed'),
  ...known(false, 'text', undefined, 'Name', 'CpuModel', 'Arch', 'GpuModel', 'Os', 'Site', 'Country', 'Zone'),
  ...known(false, 'integer', 'bytes', 'Memory', 'VirtualMemory', 'Disk', 'GpuMemory'),
  ...known(false, 'integer', undefined, 'Gpus'),
  ...known(false, 'version', undefined, 'OsVersion', 'Kernel'),
  ...known(false, 'set', undefined, 'Software'),
  ...known(false, 'real', 'bit/s', 'Bandwidth'),
  // The names of the labels that this node answers live, so that nobody takes their absence from its descriptor for an answer.
  ...known(false, 'set', undefined, 'Dynamic'),
  ...known(true, 'integer', undefined, 'FreeCores', 'RunningJobs', 'QueuedJobs'),
  ...known(true, 'integer', 'bytes', 'FreeMemory', 'FreeDisk'),
  ...known(true, 'real', undefined, 'Load'),
  ...known(true, 'boolean', undefined, 'Production'),
]

/**
 * The names of GLUE 1.3 (OGF GFD.84; memory in MiB there) and JSDL 1.0 (GFD.136, section 6.4; speed in Hz there).
 * GLUE's state of a computing element is text; nodes that take no new work are "Draining".
 */
export const ATTRIBUTE_ALIASES: readonly AttributeAlias[] = [
  { alias: 'GlueHostArchitectureSMPSize', name: 'Cores' },
  { alias: 'GlueHostProcessorClockSpeed', name: 'CpuSpeed' },
  { alias: 'GlueHostProcessorModel', name: 'CpuModel' },
  { alias: 'GlueHostArchitecturePlatformType', name: 'Arch' },
  { alias: 'GlueHostMainMemoryRAMSize', name: 'Memory', convert: wholeParts(MIB) },
  { alias: 'GlueHostMainMemoryVirtualSize', name: 'VirtualMemory', convert: wholeParts(MIB) },
  { alias: 'GlueHostMainMemoryRAMAvailable', name: 'FreeMemory', convert: wholeParts(MIB) },
  { alias: 'GlueHostOperatingSystemName', name: 'Os' },
  { alias: 'GlueHostOperatingSystemRelease', name: 'OsVersion' },
  { alias: 'GlueHostApplicationSoftwareRunTimeEnvironment', name: 'Software' },
  { alias: 'GlueSiteName', name: 'Site' },
  { alias: 'GlueCEStateFreeCPUs', name: 'FreeCores' },
  { alias: 'GlueCEStateFreeJobSlots', name: 'FreeCores' },
  { alias: 'GlueCEStateRunningJobs', name: 'RunningJobs' },
  { alias: 'GlueCEStateWaitingJobs', name: 'QueuedJobs' },
  { alias: 'GlueCEStateStatus', name: 'Production', convert: (value) => (value === true ? 'Production' : 'Draining') },
  { alias: 'IndividualCPUCount', name: 'Cores' },
  { alias: 'IndividualCPUSpeed', name: 'CpuSpeed', convert: times(1_000_000) },
  { alias: 'CPUArchitecture', name: 'Arch' },
  { alias: 'IndividualPhysicalMemory', name: 'Memory' },
  { alias: 'IndividualVirtualMemory', name: 'VirtualMemory' },
  { alias: 'IndividualDiskSpace', name: 'Disk' },
  { alias: 'OperatingSystemName', name: 'Os' },
  { alias: 'OperatingSystemVersion', name: 'OsVersion' },
  { alias: 'Application', name: 'Software' },
  { alias: 'IndividualNetworkBandwidth', name: 'Bandwidth' },
]

function wholeParts(size: number): (value: AttributeValue) => AttributeValue {
  return (value) => (typeof value === 'number' ? Math.floor(value / size) : value)
}

function times(factor: number): (value: AttributeValue) => AttributeValue {
  return (value) => (typeof value === 'number' ? value * factor : value)
}

const knownByKey = new Map(KNOWN_ATTRIBUTES.map((attribute) => [attribute.name.toLowerCase(), attribute]))
const aliasByKey = new Map(ATTRIBUTE_ALIASES.map((alias) => [alias.alias.toLowerCase(), alias]))

/** The known attribute of this name, in any case; aliases are not followed. */
export function knownAttribute(name: string): KnownAttribute | undefined {
  return knownByKey.get(name.toLowerCase())
}

/** The alias of this name, in any case. */
export function attributeAlias(name: string): AttributeAlias | undefined {
  return aliasByKey.get(name.toLowerCase())
}

/** The name itself, or the one that it is an alias of. */
export function resolvedName(name: string): string {
  return attributeAlias(name)?.name ?? name
}
