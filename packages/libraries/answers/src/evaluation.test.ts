import {
  type Answers,
  type Constructor,
  Decoder,
  definePlugin,
  Embedder,
  Evaluator,
  inject,
  LgmError,
  type Measurement,
  Options,
  type Plugin,
  Rng,
  type RunFacts,
  type TaskState,
  z,
} from '@lgm/core'
import { tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import { describe, expect, test } from 'vitest'
import { decodeAnswers, encodeAnswers } from './answers.js'
import { evaluateAnswers, whyNotFromAnswers } from './evaluation.js'

const options = z.strictObject({})
const named = (name: string, evaluator: Constructor<Evaluator>): Plugin =>
  definePlugin({ point: Evaluator, name, summary: '', options, class: evaluator })()

const count = (value: number, name = 'count'): Measurement => ({ name, value, unit: 'x', aggregation: 'sum' })

/** Counts scores above 0, by a memory of its own; and draws. */
class Positive implements Evaluator {
  #before = 0
  constructor(
    @inject(Options) _options: object,
    @inject(Rng) readonly rng: Rng,
  ) {}
  evaluate({ task }: TaskState, answers: readonly Answers[]) {
    this.#before += answers.reduce((sum, { scores }) => sum + scores.head!.filter(score => score > 0).length, 0)
    return [count(this.#before), count(this.rng.uniform(1)[0]!, `draw-${task.index}`)]
  }
  summarize(rows: readonly (readonly Measurement[])[]) {
    return rows.at(-1)!
  }
}

class AsksForParts implements Evaluator {
  constructor(
    @inject(Options) _options: object,
    @inject(Embedder) _embedder: Embedder,
    @inject(Decoder) _decoder: Decoder | undefined,
  ) {}
  evaluate(): readonly Measurement[] {
    throw new Error('must not be called')
  }
}

/** An evaluator that measures by a function. */
const by = (name: string, measure: (state: TaskState, facts: RunFacts) => unknown) =>
  named(
    name,
    class implements Evaluator {
      evaluate(state: TaskState, _answers: readonly Answers[], facts?: RunFacts) {
        measure(state, facts!)
        return [count(1, name)]
      }
    },
  )

/** Two tasks of two classes: answers of which 1, then 1 + 2 scores are above 0. */
function saved() {
  const tasks = tinyTasks({ tasks: 2, count: 2 })
  return tasks.map((_, index) => {
    const classes = 2 * (index + 1)
    const state = { ...tinyState(tasks, index, tinyModel({ classes }).model), measurements: [count(index, 'phase')] }
    const answers = tasks.slice(0, index + 1).map(({ index, test }): Answers => {
      const head = new Float32Array(test.count * classes).fill(-1e9).fill(0.5, 0, index + 1)
      return { task: index, labels: test.labels, classes, scores: { head } }
    })
    const facts: RunFacts = { tasks, seconds: {}, kept: () => ({ head: { numbers: index, bytes: 4 * index } }) }
    return { state, answers, facts, moment: decodeAnswers(encodeAnswers(state, answers, facts)) }
  })
}
const moments = () => saved().map(({ moment }) => moment)

describe('evaluation of saved answers', () => {
  test('gives rows with what phases reported, and the summary, in the order of evaluators', async () => {
    const { rows, summary, leftOut } = await evaluateAnswers([named('positive', Positive)], moments(), 5)
    expect(rows.map(row => row.map(({ name }) => name))).toEqual([
      ['phase', 'count', 'draw-0'],
      ['phase', 'count', 'draw-1'],
    ])
    expect(rows.map(row => row.slice(0, 2).map(({ value }) => value))).toEqual([
      [0, 1],
      [1, 1 + (1 + 2)],
    ])
    expect(summary).toEqual(rows[1]!.slice(1))
    expect(leftOut).toEqual([])
    const again = await evaluateAnswers([named('positive', Positive)], moments(), 5)
    expect(again.rows).toEqual(rows)
    expect((await evaluateAnswers([named('positive', Positive)], moments(), 6)).rows).not.toEqual(rows)
  })

  test('tells what the run told: tasks, classes, test labels, what was kept', async () => {
    const [, then] = saved()
    const heard: unknown[] = []
    const listen = by('listen', ({ task, seen, before }, { tasks, kept }) => {
      const { train, test: own, ...rest } = task
      const labels = tasks[task.index]!.test.labels
      heard.push([rest, train.count, own.count, train.shape, seen, before, [...labels], kept()])
    })
    await evaluateAnswers([listen], moments())
    const { task, seen, before } = then!.state
    const { train, test: own, ...rest } = task
    expect(heard[1]).toEqual([
      rest,
      train.count,
      own.count,
      train.shape,
      seen,
      before,
      [...own.labels],
      { head: { numbers: 1, bytes: 4 } },
    ])
  })

  test('leaves out whoever asks for parts of a learner, without building it', async () => {
    const { leftOut, rows } = await evaluateAnswers([named('asks', AsksForParts), by('fine', () => {})], moments())
    expect(leftOut).toEqual([{ evaluator: 'asks', why: 'it works on the model itself (embedder, decoder)' }])
    expect(rows[1]!.map(({ name }) => name)).toEqual(['phase', 'fine'])
    expect(whyNotFromAnswers(named('positive', Positive).definition)).toBeUndefined()
    expect(whyNotFromAnswers({ ...named('positive', Positive).definition, requires: [Decoder] })).toMatch(/\(decoder\)/)
  })

  test.each<[string, (state: TaskState, facts: RunFacts) => unknown]>([
    ['the model', ({ model }) => model],
    ['the model before the task', ({ previous }) => previous],
    ['recall', ({ recall }) => recall],
    ['decoded recall', ({ decodedRecall }) => decodedRecall],
    ['the validation examples', ({ task }) => task.validation],
    ['the training examples', ({ task }) => task.train.read(Int32Array.of(0))],
    ['the labels of the training examples', ({ task }) => task.train.labels],
    ['the test examples', (_, { tasks }) => tasks[0]!.test.read(Int32Array.of(0))],
    ['the labels of the test examples', (_, { tasks }) => tasks[1]!.test.labels],
    ['seconds by phase', (_, { seconds }) => seconds],
  ])('leaves out whoever reads %s, with all that it found before', async (what, read) => {
    const late = by(
      'late',
      (state, facts) => state.task.index === (what.endsWith('of the test examples') ? 0 : 1) && read(state, facts),
    )
    const { leftOut, rows, summary } = await evaluateAnswers([late, by('fine', () => {})], moments())
    expect(leftOut).toEqual([{ evaluator: 'late', why: `it reads what is not saved (${what})` }])
    expect(rows.map(row => row.map(({ name }) => name))).toEqual([
      ['phase', 'fine'],
      ['phase', 'fine'],
    ])
    expect(summary).toEqual([])
  })

  test('does not hide what an evaluator refuses', async () => {
    const refusing = by('refusing', () => {
      throw new LgmError('options', 'a reference for task 1')
    })
    await expect(evaluateAnswers([refusing], moments())).rejects.toThrow('a reference for task 1')
  })
})
