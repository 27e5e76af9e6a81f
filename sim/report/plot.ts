import * as Plot from '@observablehq/plot'
import type { Chart } from './charts.ts'
import { PaperDocument } from './paper.ts'

export type SeriesLists = Readonly<Record<string, readonly (number | null)[]>>

const WIDTH_PX = 520
const HEIGHT_PX = 240
/** Points of one line; of longer ones every so-manyth is drawn, which nobody sees at this width. */
const POINT_COUNT_MAX = 1_000
/** Told apart by those who do not tell red from green, on white and on black. */
const COLOURS = ['#3b7ddd', '#e08214', '#4d9f6f', '#b04a9c']

/** The plot as SVG text; undefined where there is nothing to be seen: no figures, or all of them 0. */
export function plotOf({ title, unit, lines }: Chart, series: SeriesLists): string | undefined {
  const cycles = series['cycle'] ?? []
  const step = Math.ceil(cycles.length / POINT_COUNT_MAX)
  const points = Object.entries(lines).flatMap(([figure, name]) =>
    (series[figure] ?? []).flatMap((value, at) =>
      value === null || at % step !== 0 ? [] : [{ cycle: cycles[at]!, value, name }],
    ),
  )
  if (points.every(({ value }) => value === 0)) return undefined
  const names = Object.values(lines).filter((name) => points.some((point) => point.name === name))
  const figure = Plot.plot({
    document: new PaperDocument() as unknown as NonNullable<Plot.PlotOptions['document']>,
    width: WIDTH_PX,
    height: HEIGHT_PX,
    marginLeft: 56,
    style: { background: 'none', fontSize: '12px' },
    x: { label: 'cycle', ...(cycles.length <= 12 && { ticks: cycles.length }) },
    y: { label: unit, grid: true, ticks: 5, tickFormat: tick, ...rangeOf(points) },
    color: { domain: names, range: COLOURS.slice(0, names.length), legend: true },
    marks: [
      Plot.lineY(points, { x: 'cycle', y: 'value', stroke: 'name', strokeWidth: 1.6, clip: true }),
      ...(points.length <= 2 * names.length ? [Plot.dot(points, { x: 'cycle', y: 'value', fill: 'name' })] : []),
    ],
    ariaLabel: title,
  })
  return String(figure)
}

/** From 0; but shares like .9987 are told apart only where the axis begins near them. */
function rangeOf(points: readonly { readonly value: number }[]): Pick<Plot.ScaleOptions, 'domain' | 'nice' | 'zero'> {
  const least = points.reduce((min, { value }) => Math.min(min, value), Infinity)
  const most = points.reduce((max, { value }) => Math.max(max, value), -Infinity)
  if (least < 0.5 || most > 1) return { nice: true, zero: true }
  return { domain: [Math.min(0.95, Math.floor(least * 20) / 20), 1] }
}

function tick(value: number): string {
  const [scale, unit] = Math.abs(value) >= 1e6 ? [1e6, 'M'] : Math.abs(value) >= 1e3 ? [1e3, 'k'] : [1, '']
  return `${Number((value / scale).toPrecision(4))}${unit}`
}
