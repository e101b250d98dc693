import {
  addClasses,
  type Examples,
  LgmError,
  noClasses,
  type Plugin,
  range,
  type Scenario,
  Stream,
  type Task,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { build } from './build.js'
import { type Data, tinyData, traceData, withLabel } from './tiny-data.js'

/** What `checkStream` is told about a plugin. */
export interface StreamDescription {
  /** A new plugin that cuts `data` for a scenario. */
  readonly plugin: (scenario: Scenario) => Plugin
  /** The scenarios that it knows; all three. */
  readonly scenarios?: readonly Scenario[]
  /** What is cut; `tinyData()`: 4 classes of 6 images [4, 4, 1]. */
  readonly data?: Data
}

/**
 * Registers the tests that every stream must pass, for each of its scenarios: numbered, named tasks of at least one example; class
 * ids that count up in order of appearance and are shared between tasks in the domain scenario only; labels of the task's own
 * classes, none of which lacks training examples; training and validation examples apart, tests from test data; the same tasks when
 * asked or built again with the same seed; nothing read before it is asked for; one clear error for a label that names no class.
 *
 * @example
 * checkStream({ plugin: scenario => split({ tasks: 2, scenario, validation: 0.3 }) })
 */
export function checkStream({
  plugin,
  scenarios = ['class', 'task', 'domain'],
  data = tinyData(),
}: StreamDescription): void {
  const name = plugin(scenarios[0]!).definition.name
  describe.each(scenarios.map(scenario => ({ scenario })))(
    `stream "${name}" conforms, $scenario-incremental:`,
    ({ scenario }) => {
      const start = (seed = 1, from = data) => {
        const { plugin: dataset, reads } = traceData(from)
        return { stream: build(Stream, plugin(scenario), { beside: [dataset], seed }), reads }
      }

      test('states its scenario', () => expect(start().stream.scenario).toBe(scenario))

      test('tasks are numbered and named, and all have examples of one shape', async () => {
        const tasks = await start().stream.tasks()
        expect(tasks.length).toBeGreaterThan(0)
        tasks.forEach((task, index) => {
          expect(task.index).toBe(index)
          expect(task.name).not.toBe('')
          for (const part of partsOf(task)) {
            expect(part.count).toBeGreaterThan(0)
            expect(part.shape).toEqual(tasks[0]!.train.shape)
          }
        })
      })

      test('class ids count up in order of appearance, each with a name', async () => {
        let seen = noClasses(scenario)
        for (const task of await start().stream.tasks()) {
          expect(new Set(task.classes).size, 'classes of one task').toBe(task.classes.length)
          expect(task.names.length).toBe(task.classes.length)
          expect(new Set(task.names).size, 'names in one task').toBe(task.names.length)
          const added = addClasses(seen, task)
          const shared = task.classes.filter(id => id < seen.names.length)
          if (scenario !== 'domain') expect(shared, 'classes of an earlier task').toEqual([])
          else if (task.index > 0) expect(task.classes).toEqual([...added.names.keys()])
          seen = added
        }
        if (scenario !== 'domain') expect(new Set(seen.names).size, 'names of all classes').toBe(seen.names.length)
      })

      test('labels are those of the task, and no class lacks training examples', async () => {
        for (const task of await start().stream.tasks()) {
          for (const part of partsOf(task)) {
            expect(part.labels.length).toBe(part.count)
            expect(part.labels.every(label => task.classes.includes(label))).toBe(true)
          }
          expect(new Set(task.train.labels)).toEqual(new Set(task.classes))
        }
      })

      test('training, validation and tests do not share examples', async () => {
        const { stream, reads } = start()
        for (const task of await stream.tasks()) {
          const train = await trace(task.train, reads.train)
          const validation = task.validation ? await trace(task.validation, reads.train) : []
          expect(new Set([...train, ...validation]).size).toBe(task.train.count + (task.validation?.count ?? 0))
          expect(reads.test).toEqual([])
          const tests = await trace(task.test, reads.test)
          expect(new Set(tests).size).toBe(task.test.count)
          expect(reads.train).toEqual([])
        }
      })

      test('rows are finite, and do not depend on what is read with them', async () => {
        for (const task of await start().stream.tasks())
          for (const part of partsOf(task)) {
            const rows = await part.read(range(0, part.count))
            expect(rows.every(Number.isFinite)).toBe(true)
            const last = await part.read(Int32Array.of(part.count - 1))
            expect(rows.slice(-last.length)).toEqual(last)
          }
      })

      test('is the same for the same seed, asked again or built again', async () => {
        const { stream } = start()
        const first = await contents(await stream.tasks())
        expect(await contents(await stream.tasks())).toEqual(first)
        expect(await contents(await start().stream.tasks())).toEqual(first)
      })

      test('reads no example before it is asked for, and makes no tensors', async () => {
        const before = tf.memory().numTensors
        const { stream, reads } = start()
        await stream.tasks()
        expect(reads).toEqual({ train: [], test: [] })
        expect(tf.memory().numTensors).toBe(before)
      })

      test.each([data.classes.length, -1])('the label %i, which names no class, is a clear error', async label => {
        const error = await start(1, withLabel(data, 1, label))
          .stream.tasks()
          .catch((reason: unknown) => reason)
        expect(error).toBeInstanceOf(LgmError)
        expect(String(error)).toMatch(/expected .+, got .*; /s)
        expect(String(error)).toContain(String(label))
      })
    },
  )
}

function partsOf(task: Task): Examples[] {
  return [task.train, task.test, ...(task.validation ? [task.validation] : [])]
}

/** Reads all of `part`, and gives and forgets the entries that this left in `reads`. */
async function trace(part: Examples, reads: number[]): Promise<number[]> {
  await part.read(range(0, part.count))
  return reads.splice(0)
}

async function contents(tasks: readonly Task[]): Promise<unknown[]> {
  const all = []
  for (const task of tasks)
    for (const part of partsOf(task))
      all.push([task.name, task.classes, task.names, part.labels, await part.read(range(0, part.count))])
  return all
}
