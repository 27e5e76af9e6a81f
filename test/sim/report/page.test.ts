import { expect, test } from 'vitest'
import { play } from '../../../sim/play.ts'
import { pageOf } from '../../../sim/report/page.ts'
import { SCENARIOS } from '../../../sim/scenario/index.ts'

const scenario = SCENARIOS.get('churn')!

test('a page has the settings, the line that replays it, figures and plots, and needs nothing else', async () => {
  const given = { cycles: '3', queries: '6', share: '0.3', churn: '0.1' }
  const report = await play(scenario, { nodesCount: 16, seed: 1, passage: 'plain', given, progress: () => {} })
  const page = pageOf(report, scenario)
  expect(page).toContain(report.replay)
  expect(page).toContain(report.traceHash)
  for (const [name, text] of Object.entries(report.settings)) {
    expect(page).toContain(`--${name}`)
    expect(page).toContain(text)
  }
  for (const part of ['selection', 'membership', 'sampling']) expect(page).toContain(`<h2>${part}</h2>`)
  const plots = page.match(/<svg class="plot[^]*?<\/svg>/g)!
  expect(plots.length).toBeGreaterThan(5)
  for (const plot of plots) {
    expect(plot, 'a line').toMatch(/<path stroke="#[0-9a-f]{6}" d="M[^"]*L/)
    expect(plot, 'its axis').toContain('cycle →')
    expect(plot).not.toContain('NaN')
    expect(plot, 'plain numbers on the axes').not.toMatch(/\dm<\/text>/)
  }
  expect(page).not.toMatch(/<script|<link|<img|url\(http|@import|src=/)
  expect(page.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:/)
  expect(page).toContain('@media print')
  expect(page).toContain('prefers-color-scheme: dark')
})

test('what users write is text in it, and no markup', () => {
  const page = pageOf(
    {
      scenario: 'churn',
      seed: 1,
      nodes: 4,
      settings: { population: '<script>alert(1)</script>.csv' },
      replay: `roost sim run churn --population '<b>"&'`,
      wallMs: 1,
      cpuMs: 1,
      peakRssBytes: 1,
      virtualMs: 1,
      events: 1,
      traceHash: '0'.repeat(16),
      sections: { selection: { recall: null, queries: 0, series: { cycle: [1, 2], recall: [null, null] } } },
    },
    scenario,
  )
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;.csv')
  expect(page).not.toContain('<script')
  expect(page).not.toContain('<b>')
})
