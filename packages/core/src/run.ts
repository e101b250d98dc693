import * as tf from '@tensorflow/tfjs'
import { type Answers, Evaluator, type Measurement, type RunFacts, Stream, type Task } from './contracts.js'
import { expected } from './errors.js'
import type { Learner } from './learner.js'
import type { Report } from './report.js'

/**
 * Takes a learner through its stream: learn a task, measure, next. Evaluators see every task whose classes have all been met.
 * @throws LgmError `composition` when the learner has no stream; whatever `learn` throws.
 * @example
 * const report = await run(await createLearner([mnist(), split({ tasks: 5 }), mlp(), linear(), accuracy()]))
 */
export async function run(learner: Learner): Promise<Report> {
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
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  learner.events.emit({
    type: 'run-start',
    tasks: tasks.map(task => task.name),
    seed: learner.settings.seed,
    engine: learner.engine,
  })
  const evaluators = learner.parts.all(Evaluator)
  const rows: Measurement[][] = []
  const measured: Measurement[][][] = []
  const seconds: Record<string, number>[] = []
  try {
    for (const task of tasks) {
      const before = elapsed()
      const learned = await learner.learn(task)
      const evaluating = performance.now()
      const row = await measure(learner, evaluators, tasks, learned)
      measured.push(row)
      rows.push([...(learned.state.measurements ?? []), ...row.flat()])
      seconds.push({ ...learned.seconds, evaluate: (performance.now() - evaluating) / 1000 })
      learner.events.emit({
        type: 'task-end',
        task: task.index,
        measurements: rows.at(-1)!,
        seconds: elapsed() - before,
      })
    }
  } catch (error) {
    learner.events.emit({ type: 'run-failed', message: error instanceof Error ? error.message : String(error) })
    throw error
  }
  const summary = evaluators.flatMap((evaluator, k) => evaluator.summarize?.(measured.map(row => row[k]!)) ?? [])
  learner.events.emit({ type: 'run-end', summary, seconds: elapsed() })
  return {
    version: 1,
    seed: learner.settings.seed,
    engine: { ...learner.engine },
    scenario: stream.scenario,
    readouts: [...learner.readouts],
    tasks: tasks.map(task => ({
      name: task.name,
      classes: [...task.names],
      train: task.train.count,
      test: task.test.count,
    })),
    rows: rows.map(row => row.map(copy)),
    summary: summary.map(copy),
    kept: { ...learner.kept() },
    seconds,
    totalSeconds: elapsed(),
    versions: { tfjs: tf.version.tfjs },
  }
}

async function measure(
  learner: Learner,
  evaluators: readonly Evaluator[],
  tasks: readonly Task[],
  { state, seconds }: Awaited<ReturnType<Learner['learn']>>,
): Promise<Measurement[][]> {
  const answers: Answers[] = []
  for (const task of tasks)
    if (task.classes.every(id => id < state.seen.names.length)) answers.push(await learner.answers(task))
  const facts: RunFacts = { tasks, seconds, kept: () => learner.kept() }
  const rows: Measurement[][] = []
  for (const evaluator of evaluators) rows.push([...(await evaluator.evaluate(state, answers, facts))])
  return rows
}

function copy(measurement: Measurement): Report['summary'][number] {
  const { value, axis, ...rest } = measurement
  return { ...rest, ...(axis !== undefined && { axis }), value: typeof value === 'number' ? value : [...value] }
}
