import {
  type Answers,
  definePlugin,
  Embedder,
  Evaluator,
  expected,
  flatten,
  Generator,
  Head,
  inject,
  type Measurement,
  mapExamples,
  Options,
  Regularizer,
  type RunFacts,
  readAll,
  type Task,
  type TaskState,
  unflatten,
  viewParams,
  z,
} from '@lgm/core'
import type * as tf from '@tensorflow/tfjs'
import { attributeScores } from './attributes.js'
import { areaUnder, harmonicMean, type OpenScores, openAccuracy, seenUnseenCurve } from './measures.js'

const options = z
  .strictObject({
    attributes: z
      .record(
        z.string(),
        z
          .array(z.number())
          .min(1)
          .refine(values => values.some(value => value !== 0), 'numbers that are not all 0'),
      )
      .optional()
      .describe('attributes of each class, by its name; as many numbers for each'),
    density: z
      .boolean()
      .default(false)
      .describe(
        'whether the generator has densities of classes it has not memorized, as one conditioned on attributes can',
      ),
  })
  .refine(({ attributes, density }) => attributes || density, 'attributes, or density: true')
  .refine(
    ({ attributes }) => new Set(Object.values(attributes ?? {}).map(({ length }) => length)).size <= 1,
    'as many attributes for each class',
  )

const where = 'evaluator "zero-shot"'
const unseenClasses = 'unseen-classes'
const byClass = 'mean over classes of the accuracy on their test examples'

/** Answers on the test sets of all tasks, those to come included, among all their classes. */
class ZeroShot implements Evaluator {
  readonly #options: z.output<typeof options>
  readonly #embedder: Embedder
  readonly #head: Head
  readonly #generator: Generator | undefined
  readonly #regularizers: readonly Regularizer[]

  constructor(
    @inject(Options) parsed: z.output<typeof options>,
    @inject(Embedder) embedder: Embedder,
    @inject(Head) head: Head,
    @inject(Generator) generator: Generator | undefined,
    @inject(Regularizer) regularizers: readonly Regularizer[],
  ) {
    if (parsed.density && !generator?.logProbability)
      throw expected(where, 'a generator with a density, for density: true', 'none', 'add one', 'composition')
    this.#options = parsed
    this.#embedder = embedder
    this.#head = head
    this.#generator = generator
    this.#regularizers = regularizers
  }

  async evaluate(state: TaskState, _answers: readonly Answers[], facts?: RunFacts): Promise<readonly Measurement[]> {
    if (!facts) return []
    const names = namesOf(facts.tasks)
    const known = state.seen.names.length
    const row: Measurement[] = [
      {
        name: unseenClasses,
        value: names.length - known,
        unit: 'classes',
        aggregation: 'classes of the stream not trained yet',
      },
    ]
    // where the task is told, classes of two tasks never compete
    if (names.length === known || state.seen.scenario === 'task') return row
    const seen = names.map((_, id) => id < known)
    const labels = Int32Array.from(facts.tasks.flatMap(({ test }) => [...test.labels]))
    const measure = (by: string, scores: ArrayLike<number>) =>
      row.push(...figuresOf(by, { scores, classes: names.length, labels, seen }))
    const { attributes } = this.#options
    if (attributes) {
      const logits = await this.#score(state, facts.tasks, (u, head) => this.#head.classify(head, u))
      measure(
        'attributes',
        attributeScores(
          logits,
          known,
          names.map(name => attributesOf(attributes, name)),
        ),
      )
    }
    if (this.#options.density)
      measure('density', await this.#score(state, facts.tasks, u => this.#generator!.logProbability!(u, names.length)))
    return row
  }

  /** Scores `[n, …]` of the codes of all test sets, one after another. */
  async #score(
    { model, task }: TaskState,
    tasks: readonly Task[],
    scoresOf: (u: tf.Tensor, head: TaskState['model']['head']) => tf.Tensor2D,
  ): Promise<Float32Array> {
    const parts: Float32Array[] = []
    for (const { test } of tasks) {
      const scored = await mapExamples(test, x => {
        const { embedder, head } = unflatten(viewParams(this.#regularizers, flatten(model), task.index))
        return scoresOf(this.#embedder.embed(embedder, x), head)
      })
      if (test.count > 0) parts.push(await readAll(scored))
    }
    const scores = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const part of parts) {
      scores.set(part, at)
      at += part.length
    }
    return scores
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    const figures = rows.flat().filter(({ name }) => name.startsWith('zero-shot-'))
    return [...new Set(figures.map(({ name }) => name))].map(name => {
      const own = figures.filter(figure => figure.name === name)
      const value = own.reduce((sum, figure) => sum + (figure.value as number), 0) / own.length
      return {
        name: `mean-${name}`,
        value,
        unit: 'fraction',
        aggregation: 'mean over tasks after which classes were unseen',
      }
    })
  }
}

function figuresOf(by: string, open: OpenScores): Measurement[] {
  const accuracy = openAccuracy(open)
  const curve = seenUnseenCurve(open)
  const figures: readonly [string, number | null, string][] = [
    ['seen', accuracy.seen, `${byClass}, of seen classes among all`],
    ['unseen', accuracy.unseen, `${byClass}, of unseen classes among all`],
    ['harmonic', harmonicMean(accuracy), 'harmonic mean of the accuracies on seen and on unseen classes'],
    ['area', areaUnder(curve), 'area under the seen-unseen curve'],
    ['alone', curve.at(-1)?.unseen ?? null, `${byClass}, of unseen classes among unseen ones`],
  ]
  return figures.flatMap(([name, value, aggregation]) =>
    value === null ? [] : [{ name: `zero-shot-${name}/${by}`, value, unit: 'fraction', aggregation }],
  )
}

/** Names of all classes of the tasks, by id. */
function namesOf(tasks: readonly Task[]): string[] {
  const names: string[] = []
  for (const task of tasks) for (const [k, id] of task.classes.entries()) names[id] = task.names[k]!
  return names
}

function attributesOf(attributes: Readonly<Record<string, readonly number[]>>, name: string): readonly number[] {
  const found = attributes[name]
  if (found) return found
  const known = Object.keys(attributes).join(', ')
  throw expected(where, `attributes of the class "${name}"`, `those of ${known}`, 'describe every class', 'options')
}

/**
 * How well classes are told that were never trained: after each task, on the test sets of all tasks of a class- or domain-incremental
 * stream, the accuracy on seen and on unseen classes when all compete, their harmonic mean (Xian et al. 2017, arXiv:1707.00600), and
 * the area under the seen-unseen curve of calibrated stacking (Chao et al. 2016, arXiv:1605.04253). By `attributes`, from those that the
 * head expects (Norouzi et al. 2013, arXiv:1312.5650); by `density`, from a generator that has one of classes it has not memorized.
 *
 * @throws LgmError `composition` for density without a generator that has one; `options` for a class without attributes.
 * @example
 * zeroShot({ attributes: { horse: [1, 0, 4], zebra: [1, 1, 4], tiger: [0, 1, 4] } })
 */
export const zeroShot = definePlugin({
  point: Evaluator,
  name: 'zero-shot',
  summary: 'accuracy on classes not trained yet: seen, unseen, harmonic mean, area under the curve',
  options,
  class: ZeroShot,
})
