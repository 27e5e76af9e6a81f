import type { Attributes } from '../../overlay/attributes/index.ts'
import type { Rng } from '../../overlay/env/index.ts'
import { drawsFor, normal, weighted } from './draw.ts'
import type { Population } from './population.ts'

/**
 * Hosts as they are found on the Internet, with the skew of their resources and the correlation between them. The structure is
 * that of Heien, Kondo and Anderson, "Correlated resource models of Internet end hosts" (ICDCS 2011; TPDS 23(6), 2012), from 6.7
 * million hosts of volunteer computing: cores and memory take a few values, in proportions; speed and disk are continuous, disk
 * log-normal; memory per core and speed are correlated. Their parameters are laws of growth that end in 2010 and are not carried on
 * for sixteen years; those here are ours, set for machines of the 2020s, and stand below as a table.
 *
 * Drawn together (a Gaussian copula): power, a machine's class, from -3 to 3 or so. Memory per core has correlation 0.3 with it,
 * speed 0.4, disk 0.35, bandwidth 0.5, and cores follow it with 0.6. GPUs and their memory hang on cores. Sites have Zipf's
 * distribution over `SITE_COUNT`, each lies in one country and zone, and a site has its own idea of what it buys: half of the
 * variance of power is the site's.
 */
export function syntheticPopulation(seed: number): Population {
  const sites = Array.from({ length: SITE_COUNT }, (_, index) => drawSite(drawsFor(seed, 'story', index), index))
  const siteWeights = sites.map((site, index) => [site, 1 / (index + 1)] as const)
  return {
    source: 'synthetic',
    attributeNames: ATTRIBUTE_NAMES,
    machine(index) {
      const rng = drawsFor(seed, 'machine', index)
      return { name: `host${index}`, attributes: drawHost(weighted(siteWeights, rng.real()), rng) }
    },
  }
}

const ATTRIBUTE_NAMES = [
  ...['Cores', 'CpuSpeed', 'Arch', 'Memory', 'Disk', 'Gpus', 'GpuMemory', 'Os', 'OsVersion'],
  ...['Site', 'Country', 'Zone', 'Bandwidth'],
]

const GIB = 1_073_741_824
const SITE_COUNT = 200
const COUNTRIES = ['DE', 'FR', 'US', 'NL', 'GB', 'IT', 'ES', 'PL', 'CH', 'SE', 'JP', 'CZ', 'FI', 'AT', 'PT', 'NO']

/** Value and weight, from weak to strong machines. */
const CORES = [
  [1, 1],
  [2, 6],
  [4, 18],
  [6, 9],
  [8, 20],
  [12, 9],
  [16, 14],
  [20, 3],
  [24, 5],
  [32, 8],
  [48, 2.5],
  [64, 3],
  [96, 0.7],
  [128, 0.8],
] as const
const MEMORY_PER_CORE_GIB = [
  [0.5, 4],
  [1, 16],
  [2, 34],
  [3, 6],
  [4, 26],
  [6, 3],
  [8, 8],
  [16, 3],
] as const
const BANDWIDTH_BPS = [
  [1e8, 15],
  [1e9, 55],
  [2.5e9, 5],
  [1e10, 17],
  [2.5e10, 6],
  [1e11, 2],
] as const
const OS = [
  ['LINUX', '22.04', 30],
  ['LINUX', '24.04', 22],
  ['LINUX', '9.4', 16],
  ['LINUX', '12', 12],
  ['MACOS', '14.5', 7],
  ['WINNT', '10.0', 13],
] as const
const ARCHES = [
  ['x86_64', 88],
  ['aarch64', 11],
  ['ppc64le', 1],
] as const

interface Site {
  readonly name: string
  readonly country: string
  readonly zone: string
  /** How much stronger than usual its machines are, in deviations. */
  readonly power: number
  /** How a draw of the architecture is bent: most sites have one. */
  readonly archShare: number
  readonly osShare: number
}

function drawSite(rng: Rng, index: number): Site {
  const country = COUNTRIES[Math.floor(COUNTRIES.length * rng.real() ** 2)]!
  return {
    name: `site-${String(index).padStart(3, '0')}`,
    country,
    zone: `${country.toLowerCase()}-${1 + rng.below(3)}`,
    power: normal(rng),
    archShare: rng.real(),
    osShare: rng.real(),
  }
}

function drawHost(site: Site, rng: Rng): Attributes {
  const power = Math.SQRT1_2 * (site.power + normal(rng))
  /** A draw in [0, 1) that has this correlation with power. */
  const share = (correlation: number): number =>
    standardNormalShare(correlation * power + Math.sqrt(1 - correlation ** 2) * normal(rng))
  const cores = weighted(CORES, share(0.6))
  const memoryPerCoreGib = weighted(MEMORY_PER_CORE_GIB, share(0.3))
  const speedMhz = 100 * Math.round((2_900 + 550 * (0.4 * power + 0.917 * normal(rng))) / 100)
  const diskBytes = Math.round(480e9 * Math.exp(0.9 * (0.35 * power + 0.937 * normal(rng))))
  const bandwidth = weighted(BANDWIDTH_BPS, share(0.5))
  const hasGpus = rng.real() < (cores >= 16 ? 0.28 : 0.07)
  const gpus = hasGpus
    ? weighted(
        [
          [1, 60],
          [2, 18],
          [4, 16],
          [8, 6],
        ] as const,
        share(0.5),
      )
    : 0
  // Three in four machines of a site are of its usual kind.
  const [os, osVersion] = drawOs(rng.real() < 0.75 ? site.osShare : rng.real())
  return {
    Cores: cores,
    CpuSpeed: Math.min(5_800, Math.max(1_000, speedMhz)),
    Arch: weighted(ARCHES, rng.real() < 0.75 ? site.archShare : rng.real()),
    Memory: Math.round(cores * memoryPerCoreGib * GIB),
    Disk: diskBytes,
    Gpus: gpus,
    ...(gpus > 0 && {
      GpuMemory:
        weighted(
          [
            [8, 25],
            [16, 30],
            [24, 20],
            [40, 12],
            [80, 13],
          ] as const,
          share(0.4),
        ) * GIB,
    }),
    Os: os,
    OsVersion: osVersion,
    Site: site.name,
    Country: site.country,
    Zone: site.zone,
    Bandwidth: bandwidth,
  }
}

function drawOs(share: number): readonly [name: string, version: string] {
  return weighted(
    OS.map(([name, version, weight]) => [[name, version] as const, weight] as const),
    share,
  )
}

/** The distribution function of the normal distribution, to 1e-7 (Abramowitz and Stegun, 26.2.17). */
function standardNormalShare(value: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(value))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI)) * series
  return Math.min(value > 0 ? 1 - tail : tail, 1 - 1e-12)
}
