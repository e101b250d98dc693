import { type LearnerEvent, nameOf, Observer, type Plugin } from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { composeParts } from './build.js'

/** What `checkObserver` is told about a plugin. */
export interface ObserverDescription {
  /** A new plugin with its options; called once a test. An observer that writes should be given a place of its own. */
  readonly plugin: () => Plugin
  /** What may stand beside it; nothing unless told. */
  readonly beside?: readonly Plugin[]
}

const measurements = [
  {
    name: 'accuracy/head',
    value: [0.75, 0.5, null],
    unit: 'fraction',
    axis: 'task',
    aggregation: 'mean over the test set',
  },
  { name: 'accuracy-seen/head', value: 0.625, unit: 'fraction', aggregation: 'mean over seen tasks' },
]

const byType: { readonly [Type in LearnerEvent['type']]: Extract<LearnerEvent, { type: Type }> } = {
  'run-start': {
    type: 'run-start',
    tasks: ['first', 'second', 'third'],
    seed: 1,
    engine: { name: 'cpu', version: '1.2.3', threads: 2, note: 'a test' },
  },
  'run-resume': {
    type: 'run-resume',
    task: 1,
    tasks: ['first', 'second', 'third'],
    engine: { name: 'cpu', version: '1.2.3', threads: 2, note: 'a test' },
  },
  'task-start': { type: 'task-start', task: 0, name: 'first', classes: ['zero', 'one'] },
  'phase-start': { type: 'phase-start', task: 0, phase: 'learn' },
  step: {
    type: 'step',
    fit: 'learn',
    step: 20,
    of: 100,
    terms: { current: 0.25, 'regularizer/ewc': 1e-3 },
    shares: { 'regularizer/ewc': 0.125, 'regularizer/a-gem': 0.5 },
  },
  progress: { type: 'progress', what: 'sampling', done: 5, of: 10 },
  'phase-end': { type: 'phase-end', task: 0, phase: 'learn', seconds: 0.5 },
  picture: { type: 'picture', task: 0, name: 'samples', png: Uint8Array.of(137, 80, 78, 71) },
  'task-end': { type: 'task-end', task: 0, measurements, seconds: 1.5 },
  'run-end': { type: 'run-end', summary: [{ ...measurements[1]!, name: 'ACC/head' }], seconds: 2 },
  'run-failed': { type: 'run-failed', message: 'learn: expected finite losses, got NaN; lower the rate' },
}

/** One event of every type, in the order of a run; `run-failed` comes last. */
export const exampleEvents: readonly LearnerEvent[] = Object.values(byType)

/**
 * What every observer must do: survive every event, in any order and again; leave events as they are; make no tensors; and close
 * twice, or without having heard anything.
 *
 * @example
 * checkObserver({ plugin: () => console() })
 */
export function checkObserver({ plugin, beside = [] }: ObserverDescription): void {
  const start = () =>
    composeParts([...beside, plugin()])
      .all(Observer)
      .at(-1)!

  describe(`observer "${plugin().definition.name}" conforms`, () => {
    test('hears a whole run, and closes twice', async () => {
      const observer = start()
      expect(nameOf(observer)).toMatch(/^observer\//)
      for (const event of exampleEvents) observer.notice(event)
      await observer.close?.()
      await observer.close?.()
    })

    test('survives events in any order, and a second run', async () => {
      const observer = start()
      for (const event of [...exampleEvents].reverse()) observer.notice(event)
      for (const event of [...exampleEvents, ...exampleEvents]) observer.notice(event)
      await observer.close?.()
    })

    test('survives a run without tasks, terms or measurements', async () => {
      const observer = start()
      observer.notice({ ...byType['run-start'], tasks: [] })
      observer.notice({ ...byType.step, terms: {} })
      observer.notice({ ...byType.progress, done: 0, of: 0 })
      observer.notice({ ...byType['task-end'], measurements: [] })
      observer.notice({ ...byType['run-end'], summary: [] })
      await observer.close?.()
    })

    test('closes without having heard anything', async () => {
      await start().close?.()
    })

    test('leaves events as they are, and makes no tensors', async () => {
      const observer = start()
      const before = tf.memory().numTensors
      const events = structuredClone(exampleEvents) as LearnerEvent[]
      for (const event of events) observer.notice(freeze(event))
      await observer.close?.()
      expect(events).toEqual(exampleEvents)
      expect(tf.memory().numTensors).toBe(before)
    })
  })
}

function freeze<Value>(value: Value): Value {
  // the bytes of an array cannot be frozen
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value))
    for (const inner of Object.values(Object.freeze(value))) freeze(inner)
  return value
}
