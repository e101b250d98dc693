import type { LearnerEvent, Measurement } from '@lgm/core'
import type { Field } from './protobuf.js'
import { histogram, picture, scalar, text } from './summary.js'

/** How values are written. */
export interface Manner {
  /** How many tasks have curves of their own of figures that are lists by task. */
  readonly curves: number
  /** The tags that were described in this file: once is enough. */
  readonly described: Set<string>
}

/** What TensorBoard is to show of an event. */
export function valuesOf(event: LearnerEvent, manner: Manner): readonly Field[] {
  const point = (tag: string, value: number, about: string) => scalar(tag, value, once(tag, about, manner))
  switch (event.type) {
    case 'run-start':
      return [text('run', aboutRun(`${event.tasks.length} tasks, seed ${event.seed}`, event))]
    case 'run-resume':
      return [text('run', aboutRun(`going on with task ${event.task + 1} of ${event.tasks.length}`, event))]
    case 'run-failed':
      return [text('run', `failed: ${event.message}`)]
    case 'task-start':
      return [point('task', event.task + 1, 'the task at work, counted from 1')]
    case 'step':
      return [
        ...Object.entries(event.terms).map(([name, value]) => point(`loss/${event.fit}/${name}`, value, loss)),
        ...Object.entries(event.shares).map(([name, value]) => point(`share/${event.fit}/${name}`, value, share)),
      ]
    case 'phase-end':
      return [point(`seconds/${event.phase}`, event.seconds, seconds)]
    case 'picture':
      return [picture(event.name, event.png)]
    case 'task-end':
      return [
        ...event.measurements.flatMap(of => figure(of.name, of, manner)),
        point('seconds/task', event.seconds, seconds),
      ]
    case 'run-end':
      return event.summary.flatMap(of => figure(`summary/${of.name}`, of, manner))
    default:
      return []
  }
}

const loss = 'loss term, mean over the steps since the last point'
const share = 'share of the gradient at one step, 0 to 1'
const seconds = 'seconds'

/** A number is a point of a curve. A list is a histogram, and where its index is the task, a point for each of the first tasks too. */
function figure(tag: string, { value, unit, axis, aggregation }: Measurement, manner: Manner): readonly Field[] {
  const description = `${unit}; ${aggregation}`
  const point = (name: string, entry: number) => scalar(name, entry, once(name, description, manner))
  if (typeof value === 'number') return [point(tag, value)]
  const byTask = axis === 'task' ? value.slice(0, manner.curves) : []
  const points = byTask.flatMap((entry, k) => (entry === null ? [] : [point(`${tag}/task-${k + 1}`, entry)]))
  const numbers = value.filter(entry => entry !== null && Number.isFinite(entry)) as number[]
  return numbers.length === 0 ? points : [histogram(tag, numbers, once(tag, description, manner)), ...points]
}

/** The description, the first time. */
function once(tag: string, description: string, { described }: Manner): string {
  if (described.has(tag)) return ''
  described.add(tag)
  return description
}

function aboutRun(what: string, { tasks, engine }: Extract<LearnerEvent, { tasks: readonly string[] }>): string {
  const { name, version, threads, note } = engine
  const lines = [
    what,
    `engine ${name} (${version}), ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ...(note ? [note] : []),
  ]
  return `${lines.join('; ')}\n\n${tasks.map((task, k) => `${k + 1}. ${task}`).join('\n')}`
}
