import * as tf from '@tensorflow/tfjs'
import { nameOf } from './container.js'
import {
  type Answers,
  Evaluator,
  type Measurement,
  Observer,
  type RunFacts,
  Stream,
  type Task,
  type TaskState,
} from './contracts.js'
import { expected } from './errors.js'
import { evaluate, type Measured, rowOf, summarize } from './evaluation.js'
import type { Underway } from './journal.js'
import type { Learner } from './learner.js'
import { z } from './point.js'
import { measurementSchema, type Report } from './report.js'

/** How far a run has come: with the learner's own checkpoint, all that it takes to go on as if it had never stopped. JSON. */
export const progressSchema = z.object({
  tasks: z.int().min(1),
  rows: z.array(z.array(measurementSchema)),
  measured: z.array(z.array(z.array(measurementSchema))),
  seconds: z.array(z.record(z.string(), z.number())),
  elapsed: z.number(),
  marks: z.record(z.string(), z.unknown()),
})
export type Progress = z.output<typeof progressSchema>

/** What a run does beside running. */
export interface RunSettings {
  /** Called after each task with what the evaluators are told, before they are: the place to keep answers for metrics to come. */
  readonly answered?: (state: TaskState, answers: readonly Answers[], facts: RunFacts) => void | Promise<void>
  /** Called after each task. */
  readonly afterTask?: (progress: Progress) => void | Promise<void>
  /** Keeps how far the task at hand has come; called before each, with its index. */
  readonly underway?: (task: number) => Underway | undefined
  /** Called once, when the tasks are known: brings the learner to where an earlier run stood and says how far that was, if there was one. */
  readonly resume?: () => Promise<Progress | undefined>
}

/**
 * Takes a learner through its stream: learn a task, measure, next. Evaluators see every task whose classes have all been met.
 * @throws LgmError `composition` when the learner has no stream; `checkpoint` when progress and learner do not belong together; whatever
 * `learn` throws.
 * @example
 * const report = await run(await createLearner([mnist(), split({ tasks: 5 }), mlp(), linear(), accuracy()]))
 */
export async function run(learner: Learner, settings: RunSettings = {}): Promise<Report> {
  const stream = learner.parts.one(Stream)
  if (!stream)
    throw expected(
      'run',
      'a stream among the plugins',
      'none',
      'add one, such as split, or call learn yourself',
      'composition',
    )
  const tasks = await stream.tasks()
  const names = tasks.map(task => task.name)
  const from = await settings.resume?.()
  const { seed } = learner.settings
  const { engine } = learner
  const start = performance.now()
  let earlier = from?.elapsed ?? 0
  const elapsed = () => earlier + (performance.now() - start) / 1000
  if (from) goBack(learner, from)
  learner.events.emit(
    from
      ? { type: 'run-resume', task: from.tasks, tasks: names, engine }
      : { type: 'run-start', tasks: names, seed, engine },
  )
  const evaluators = learner.parts.all(Evaluator)
  const rows: Measured[][] = [...(from?.rows ?? [])]
  const measured: Measured[][][] = [...(from?.measured ?? [])]
  const seconds: Record<string, number>[] = [...(from?.seconds ?? [])]
  try {
    for (const task of tasks.slice(from?.tasks ?? 0)) {
      const before = elapsed()
      const learned = await learner.learn(task, { underway: settings.underway?.(learner.tasks) })
      earlier += learned.earlier
      const evaluating = performance.now()
      const { state } = learned
      const answers = await answersOf(learner, tasks)
      const facts: RunFacts = { tasks, seconds: learned.seconds, kept: () => learner.kept() }
      await settings.answered?.(state, answers, facts)
      measured.push(await evaluate(evaluators, state, answers, facts))
      rows.push(rowOf(state, measured.at(-1)!))
      seconds.push({ ...learned.seconds, evaluate: (performance.now() - evaluating) / 1000 })
      learner.events.emit({
        type: 'task-end',
        task: task.index,
        measurements: rows.at(-1)! as readonly Measurement[],
        seconds: elapsed() - before,
      })
      await settings.afterTask?.({
        tasks: learner.tasks,
        rows,
        measured,
        seconds,
        elapsed: elapsed(),
        marks: Object.fromEntries(learner.parts.all(Observer).map(part => [nameOf(part), part.mark?.() ?? null])),
      })
    }
  } catch (error) {
    tellFailure(learner, error)
    throw error
  }
  const summary = summarize(evaluators, measured)
  learner.events.emit({ type: 'run-end', summary: summary as readonly Measurement[], seconds: elapsed() })
  return {
    version: 1,
    seed,
    engine: { ...engine },
    scenario: stream.scenario,
    readouts: [...learner.readouts],
    tasks: tasks.map(task => ({
      name: task.name,
      classes: [...task.names],
      train: task.train.count,
      test: task.test.count,
    })),
    rows,
    summary,
    kept: { ...learner.kept() },
    seconds,
    totalSeconds: elapsed(),
    versions: { tfjs: tf.version.tfjs },
  }
}

/** Tells the observers, where they can be told: the cause may be that one of them cannot write. */
function tellFailure({ events }: Learner, error: unknown): void {
  try {
    events.emit({ type: 'run-failed', message: error instanceof Error ? error.message : String(error) })
  } catch {
    // what made the run fail is what the caller should hear of
  }
}

/** Brings the observers to where they were. @throws LgmError `checkpoint` when the learner is at another task. */
function goBack(learner: Learner, { tasks, marks }: Progress): void {
  if (learner.tasks !== tasks)
    throw expected(
      'run',
      `a learner that has learned ${tasks} tasks, as the progress says`,
      `${learner.tasks}`,
      'load the checkpoint that was saved with it',
      'checkpoint',
    )
  for (const observer of learner.parts.all(Observer)) {
    const mark = marks[nameOf(observer)]
    if (mark !== undefined && mark !== null) observer.rewind?.(mark)
  }
}

/** On every task whose classes have all been met. */
async function answersOf(learner: Learner, tasks: readonly Task[]): Promise<readonly Answers[]> {
  const answers: Answers[] = []
  for (const task of tasks)
    if (task.classes.every(id => id < learner.seen.names.length)) answers.push(await learner.answers(task))
  return answers
}
