import { describe, expect, test, vi } from 'vitest'
import { explain } from '../../../node/cli/commands/find-explanation.ts'
import { TableStream } from '../../../node/cli/table-stream.ts'
import type { Output } from '../../../overlay/contract/index.ts'

describe('a table whose rows come one after another', () => {
  const shown = (): { output: Output; lines: string[] } => {
    const lines: string[] = []
    return { output: { line: (text: string) => lines.push(text) } as Partial<Output> as Output, lines }
  }
  const table = (output: Output) =>
    new TableStream<{ name: string; cores: number }>(output, ['name', 'cores'], (items) => [...items])

  test('has its head once, and later rows under those before them', () => {
    const { output, lines } = shown()
    const stream = table(output)
    stream.add({ name: 'a-long-name', cores: 4 })
    stream.add({ name: 'b', cores: 16 })
    stream.flush()
    stream.flush()
    stream.add({ name: 'c', cores: 8 })
    stream.flush()
    stream.add({ name: 'one-that-is-even-longer', cores: 2 })
    stream.flush()
    expect(lines).toEqual([
      'NAME         CORES\na-long-name      4\nb               16',
      'c                8',
      'one-that-is-even-longer      2',
    ])
  })

  test('shows what came together a moment later, without being told', () => {
    vi.useFakeTimers()
    try {
      const { output, lines } = shown()
      const stream = table(output)
      stream.add({ name: 'a', cores: 4 })
      vi.advanceTimersByTime(20)
      stream.add({ name: 'b', cores: 4 })
      expect(lines).toEqual([])
      vi.advanceTimersByTime(40)
      expect(lines).toEqual(['NAME  CORES\na         4\nb         4'])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('an explanation', () => {
  const found = {
    boxes: ['Cores >= 8', 'Memory >= 17179869184'],
    grouping: ['Cores', 'Memory'],
    cellCount: 3,
    contactCount: 2,
    roundTripCount: 1,
    heldCount: 480,
    failedCount: 0,
    estimatedCells: 4.2,
    consideredCount: 530,
    ruledOutCount: 460,
    askedCount: 22,
    confirmedCount: 20,
    unfitCount: 1,
    silentCount: 1,
    elapsedMs: 312,
    complete: false,
    reason: 'enough' as const,
  }

  test('says where was searched, who was asked, and why it ended', () => {
    expect(explain(found)).toEqual([
      'plan      Cores >= 8\n       or Memory >= 17179869184',
      'grouping  by Cores, Memory',
      'cells     3 of about 5 that the query touches',
      'contacts  2 nodes asked for descriptors, in 1 round trip',
      'looked at 530 nodes, 480 held here; 460 ruled out by what they are',
      'asked     22 nodes: 20 confirmed, 1 not fit just now, 1 silent',
      'ended     after 0.31 s: as many as were wanted were found; there may be more',
    ])
  })

  test('says so where nobody was asked, and where nobody answered for a part', () => {
    const alone = explain({ ...found, grouping: [], cellCount: 1, contactCount: 0, estimatedCells: 1, boxes: [''] })
    expect(alone.slice(0, 4)).toEqual([
      'plan      every node may match, by what it is at the moment',
      'grouping  none: nodes stand by their ids',
      'cells     1',
      'contacts  0: this node knew enough itself',
    ])
    expect(explain({ ...found, failedCount: 2 })[3]).toContain('nobody answered for 2 parts of the grid')
    expect(explain({ ...found, boxes: [] })[0]).toBe('plan      no node can match')
  })
})
