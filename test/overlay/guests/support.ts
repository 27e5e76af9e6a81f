import {
  DescriptorChecker,
  HeldVisit,
  mintDescriptor,
  signVisit,
  type Descriptor,
  type Visit,
} from '../../../overlay/index.ts'
import { HandEnv } from '../descriptor/hand-env.ts'

/** Checked once, as every node of a simulation takes it. */
export const checker = new DescriptorChecker()

export function descriptorOf(peer: string): Descriptor {
  const env = new HandEnv(peer)
  const minted = mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes: {} }, env)
  const checked = checker.check(minted, env)
  if (!checked.ok) throw new Error(checked.fault)
  return checked.descriptor
}

/** As it comes from a network: no object of ours. */
export function visitOf(peer: string, term: number): Visit {
  return signVisit(descriptorOf(peer), term, new HandEnv(peer))
}

export function heldVisitOf(peer: string, term: number): HeldVisit {
  const checked = HeldVisit.check(visitOf(peer, term), checker, new HandEnv(peer))
  if (typeof checked === 'string') throw new Error(checked)
  return checked
}
