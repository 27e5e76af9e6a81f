import type { Report } from '../play.ts'
import type { Scenario, Section } from '../scenario/index.ts'
import { CHARTS } from './charts.ts'
import { escapeHtml } from './paper.ts'
import { plotOf, type SeriesLists } from './plot.ts'
import { figuresOf, SERIES, shown } from './text.ts'

/**
 * One run as a page that needs nothing else: no scripts, no fonts, nothing from elsewhere. What was set and how to run it again,
 * then each section with its figures and plots. It follows the reader's light or dark, and prints.
 */
export function pageOf(report: Report, { name, summary }: Scenario): string {
  const { sections, settings, replay, ...run } = report
  const title = `roost sim: ${name}, ${report.nodes} nodes, seed ${report.seed}`
  const set = Object.entries(settings).map(([flag, text]): Row => [`--${flag}`, text])
  const took = Object.entries(run).map(([figure, value]): Row => [figure, shown(value)])
  const parts = Object.entries(sections).map(([part, section]) => sectionOf(part, section))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${CSS}</style>
</head>
<body>
<header>
<h1>${escapeHtml(name)}</h1>
<p>${escapeHtml(summary)}</p>
<p>To run it again: <code>${escapeHtml(replay)}</code></p>
</header>
<section>
<h2>The run</h2>
<div class="tables">
${tableOf('Settings', set)}
${tableOf('What it took', took)}
</div>
</section>
${parts.join('\n')}
</body>
</html>
`
}

type Row = readonly [name: string, value: string]

function sectionOf(name: string, section: Section): string {
  const rows = figuresOf(section).map(([figure, value]): Row => [figure, shown(value)])
  const series = section[SERIES] as SeriesLists | undefined
  const plots = (series === undefined ? [] : (CHARTS[name] ?? [])).flatMap((chart) => {
    const svg = plotOf(chart, series!)
    return svg === undefined ? [] : [`<div class="plot"><h3>${escapeHtml(chart.title)}</h3>${svg}</div>`]
  })
  return `<section>
<h2>${escapeHtml(name)}</h2>
${tableOf('Figures', rows)}
<div class="plots">
${plots.join('\n')}
</div>
</section>`
}

function tableOf(caption: string, rows: readonly Row[]): string {
  const lines = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  return `<table><caption>${escapeHtml(caption)}</caption><tbody>${lines.join('')}</tbody></table>`
}

const CSS = `
:root { --ink: #1b1b1b; --paper: #fff; --line: #d8d8d8; --soft: #f4f4f2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #161616; --line: #3a3a3a; --soft: #222; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: 0.3rem; }
h3 { font-size: 1rem; margin: 0 0 0.5rem; }
code { background: var(--soft); padding: 0.15em 0.4em; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.3rem; }
th, td { text-align: left; padding: 0.15rem 1.5rem 0.15rem 0; border-bottom: 1px solid var(--line); font-weight: 400; vertical-align: top; }
td { overflow-wrap: anywhere; }
.tables { display: flex; flex-wrap: wrap; gap: 0 4rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 2rem; }
.plot { break-inside: avoid; }
.plot figure { margin: 0; }
@media print {
  :root { --ink: #000; --paper: #fff; --line: #bbb; --soft: #fff; }
  body { margin: 0; max-width: none; font-size: 10pt; }
  h2 { break-after: avoid; }
  .plots { grid-template-columns: 1fr 1fr; gap: 1rem; }
}
`
