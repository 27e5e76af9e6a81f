import { nearest, RoostError } from '../../overlay/error/index.ts'
import { readInput } from '../population/index.ts'
import { knownSystem, readSystem, SYSTEM_NAMES, type SystemChurn } from './systems.ts'
import { readTrace, type Session } from './trace.ts'

/** How nodes come and go. */
export type Churn =
  /** In each cycle this share of the nodes leaves without a word, and as many new ones come. */
  | { readonly kind: 'share'; readonly share: number }
  /** Each node is up, then down, then up again, for as long as is drawn. */
  | ({ readonly kind: 'system' } & SystemChurn)
  /** The sessions of each node. */
  | { readonly kind: 'trace'; readonly nodes: readonly (readonly Session[])[] }

/** More than this in one cycle is no churn but a disaster; `--kill` is for those. */
export const CHURN_SHARE_MAX = 0.2

/**
 * A share (`0.01`), a measured system (`skype06`), a file of fits (`fits.json`, `fits.json#Skype06`, `fits.json#Skype06:gamma`) or a
 * trace (`sessions.csv`). `USAGE` where it is none of them, with file and line where a file is at fault.
 */
export function readChurn(text: string): Churn {
  if (/^[-+.\d]/.test(text) && Number.isFinite(Number(text))) return { kind: 'share', share: readShare(text) }
  const system = knownSystem(text)
  if (system !== undefined) return { kind: 'system', ...system }
  const fits = /^(?<file>.*\.json)(#(?<system>[^:]*)(:(?<fit>.*))?)?$/i.exec(text)
  if (fits !== null) {
    const { file, system: name, fit } = fits.groups!
    return { kind: 'system', ...readSystem(readInput('--churn', file!), file!, name, fit) }
  }
  if (/\.csv$/i.test(text)) return { kind: 'trace', nodes: readTrace(readInput('--churn', text), text) }
  const guess = nearest(text, SYSTEM_NAMES)
  throw new RoostError('USAGE', `--churn: "${text}" is no share, no system, and no file .csv or .json`, {
    hint: guess === undefined ? `the systems are ${SYSTEM_NAMES.join(', ')}` : `did you mean ${guess}?`,
  })
}

function readShare(text: string): number {
  const share = Number(text)
  if (share >= 0 && share <= CHURN_SHARE_MAX) return share
  throw new RoostError('USAGE', `--churn: ${text} is not a share of the nodes from 0 to ${CHURN_SHARE_MAX}`)
}
