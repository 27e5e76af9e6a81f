import { EXIT } from '../../../overlay/index.ts'
import type { NetCheck } from '../../surface/index.ts'
import { tellAddresses } from '../addresses.ts'
import { QuietExit } from '../failure.ts'
import type { Session } from '../session.ts'

/** `roost net check`: asks peers whether they reach this node. Fails as unreachable where nobody does. */
export async function checkNet(session: Session): Promise<void> {
  const { output } = session
  const response = await session.fetch('/net/check', { method: 'POST' })
  const report = (await response.json()) as NetCheck
  output.document(report)
  output.line(`reach      ${report.state}: ${report.detail}`)
  tellAddresses(output, report.addresses, 11)
  for (const { name, id } of report.relays) output.line(`relay      ${name} (${id})`)
  for (const { name, answer, host } of report.witnesses)
    output.line(`asked      ${name}: ${ANSWERS[answer]}${host === undefined ? '' : `, sees it as ${host}`}`)
  if (report.relayedPeersCount > 0) output.line(`relays for ${report.relayedPeersCount} nodes`)
  if (report.hint !== undefined) output.line(`\nreach: ${report.hint}`)
  if (report.state === 'cut-off') throw new QuietExit(EXIT.unreachable)
}

const ANSWERS: Readonly<Record<NetCheck['witnesses'][number]['answer'], string>> = {
  reached: 'reached this node',
  'not-reached': 'did not reach this node',
  silent: 'did not answer',
}
