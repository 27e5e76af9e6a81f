import { describe, expect, test } from 'vitest'
import { mintDescriptor } from '../../../overlay/index.ts'
import { SAMPLE_COUNT_MAX } from '../../../overlay/placement/index.ts'
import { HandEnv } from '../descriptor/hand-env.ts'
import { mixedPopulation, sampleOf } from './nodes.ts'

describe('a sample', () => {
  test('has each peer once, with its newest descriptor', () => {
    const [old] = mixedPopulation(1)
    const owner = new HandEnv(old!.peer)
    const young = mintDescriptor({ ...old!, sequence: 2 }, owner)
    expect(sampleOf([old!, young]).descriptors()).toEqual([young])
    expect(sampleOf([young, old!]).descriptors()).toEqual([young])
  })

  test('is full of the nodes met last, and never beyond its bound', () => {
    const [early, late] = [mixedPopulation(3_000), mixedPopulation(3_000, 2)]
    const sample = sampleOf([...early, ...late])
    expect(sample.count).toBe(SAMPLE_COUNT_MAX)
    const lately = new Set(late)
    expect(sample.descriptors().every((descriptor) => lately.has(descriptor))).toBe(true)
  })

  test('forgets who is gone, and nobody else in its place', () => {
    const nodes = mixedPopulation(600)
    const sample = sampleOf(nodes)
    const { count } = sample
    const [kept] = sample.descriptors()
    sample.forget(kept!.peer)
    for (const { peer } of nodes) if (!sample.descriptors().some((held) => held.peer === peer)) sample.forget(peer)
    expect(sample.count).toBe(count - 1)
    expect(sample.descriptors()).not.toContain(kept)
  })
})
