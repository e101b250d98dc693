import { definePlugin, type LearnerEvent, Observer, z } from '@lgm/core'
import { expect, test } from 'vitest'
import { build } from './build.js'
import { checkObserver, exampleEvents } from './check-observer.js'

class Tally implements Observer {
  readonly counts = new Map<string, number>()
  notice({ type }: LearnerEvent): void {
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1)
  }
}

const tally = definePlugin({
  point: Observer,
  name: 'tally',
  summary: 'counts events',
  options: z.strictObject({}),
  class: Tally,
})

checkObserver({ plugin: () => tally() })

test('the example events are of every type once', () => {
  const observer = build(Observer, tally()) as Tally
  for (const event of exampleEvents) observer.notice(event)
  expect(observer.counts.size).toBe(exampleEvents.length)
  expect([...observer.counts.values()].every(count => count === 1)).toBe(true)
})
