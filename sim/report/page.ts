import type { Report } from '../play.ts'
import type { Scenario } from '../scenario/index.ts'

export async function pageOf(_report: Report, _scenario: Scenario): Promise<string> {
  return await Promise.resolve('')
}
