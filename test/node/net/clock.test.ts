import { expect, test } from 'vitest'
import { after } from '../../../node/net/clock.ts'

test('what has no delay runs behind what is under way and before any timer, in order', async () => {
  const ran: string[] = []
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      setTimeout(() => {
        ran.push('timer')
        resolve()
      }, 1)
      after(0, () => ran.push('first'))
      after(0, () => ran.push('second'))
      ran.push('under way')
    })
  })
  expect(ran).toEqual(['under way', 'first', 'second', 'timer'])
})

test('what is cancelled does not run', async () => {
  let hasRun = false
  after(0, () => (hasRun = true))()
  await new Promise((resolve) => setTimeout(resolve, 2))
  expect(hasRun).toBe(false)
})
