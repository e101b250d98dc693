import { type Answers, definePlugin, Evaluator, inject, type Measurement, Options, type TaskState, z } from '@lgm/core'
import { brierScore, confidencesOf, negativeLogLikelihood, type Scored } from './probabilities.js'
import { type Bin, calibrationError, equalMassBins, equalWidthBins } from './reliability.js'

const options = z.strictObject({
  bins: z.int().positive().default(15).describe('bins of confidence'),
  binning: z
    .enum(['equal-width', 'equal-mass'])
    .default('equal-width')
    .describe('bins of equal width, or of about as many examples each, which is the adaptive variant'),
  detail: z
    .array(z.enum(['tasks', 'bins']))
    .default([])
    .describe('further arrays after each task: the calibration error by task; the bins of the reliability diagram'),
})

const seen = 'over the test sets of all tasks learned'

/** Calibration of every read-out, from the softmax of its scores. */
class Calibration implements Evaluator {
  readonly #options: z.output<typeof options>

  constructor(@inject(Options) parsed: z.output<typeof options>) {
    this.#options = parsed
  }

  evaluate({ task }: TaskState, answers: readonly Answers[]): readonly Measurement[] {
    const learned = answers.filter(answer => answer.task <= task.index && answer.labels.length > 0)
    return Object.keys(learned[0]?.scores ?? {}).flatMap(readout => {
      const all = joined(learned, readout)
      const bins = this.#bins(all)
      const figures: readonly [string, number, string, string][] = [
        [this.#error(), calibrationError(bins), 'fraction', `${this.#how()}, ${seen}`],
        ['negative-log-likelihood', negativeLogLikelihood(all), 'nats', `mean ${seen}`],
        ['brier-score', brierScore(all), 'squared probability', `mean ${seen}`],
      ]
      return [
        ...figures
          .filter(([, value]) => Number.isFinite(value))
          .map(([name, value, unit, aggregation]) => ({ name: `${name}/${readout}`, value, unit, aggregation })),
        ...this.#details(readout, task.index, learned, bins),
      ]
    })
  }

  #bins(scored: Scored): Bin[] {
    const { confidences, right } = confidencesOf(scored)
    const bin = this.#options.binning === 'equal-mass' ? equalMassBins : equalWidthBins
    return bin(confidences, right, this.#options.bins)
  }

  #error(): string {
    return this.#options.binning === 'equal-mass' ? 'adaptive-calibration-error' : 'expected-calibration-error'
  }

  #how(): string {
    return `mean |accuracy − confidence| of ${this.#options.bins} ${this.#options.binning} bins`
  }

  #details(readout: string, index: number, learned: readonly Answers[], bins: readonly Bin[]): Measurement[] {
    const { detail } = this.#options
    const counted = bins.reduce((sum, { count }) => sum + count, 0)
    const ofBins = (what: string, value: (number | null)[], aggregation: string): Measurement => ({
      name: `reliability-${what}/${readout}`,
      value,
      unit: 'fraction',
      axis: 'bin of confidence',
      aggregation,
    })
    const ofTask = (task: number) => {
      const answer = learned.find(other => other.task === task)
      return answer ? calibrationError(this.#bins(joined([answer], readout))) : null
    }
    return [
      ...(detail.includes('tasks')
        ? [
            {
              name: `${this.#error()}-by-task/${readout}`,
              value: Array.from({ length: index + 1 }, (_, task) => ofTask(task)),
              unit: 'fraction',
              axis: 'task',
              aggregation: `${this.#how()}, over the test set of the task`,
            },
          ]
        : []),
      ...(detail.includes('bins')
        ? [
            ofBins(
              'accuracy',
              bins.map(bin => bin.accuracy),
              `share of right guesses in the bin, ${seen}`,
            ),
            ofBins(
              'confidence',
              bins.map(bin => bin.confidence),
              `mean confidence in the bin, ${seen}`,
            ),
            ofBins(
              'share',
              bins.map(bin => bin.count / counted),
              `share of guesses that are in the bin, ${seen}`,
            ),
          ]
        : []),
    ]
  }

  summarize(rows: readonly (readonly Measurement[])[]): readonly Measurement[] {
    return (rows.at(-1) ?? []).filter(({ value }) => typeof value === 'number')
  }
}

/** All answers of a read-out as if they were of one test set. */
function joined(answers: readonly Answers[], readout: string): Scored {
  const classes = answers[0]!.classes
  const scores = new Float32Array(answers.reduce((sum, { labels }) => sum + labels.length * classes, 0))
  const labels = new Int32Array(scores.length / classes)
  let at = 0
  for (const answer of answers) {
    scores.set(answer.scores[readout]!, at * classes)
    labels.set(answer.labels, at)
    at += answer.labels.length
  }
  return { scores, classes, labels }
}

/**
 * Whether the probabilities that each read-out states are true: the expected calibration error of its confidence (Guo et al. 2017,
 * arXiv:1706.04599), the negative log-likelihood and the Brier score of the softmax of its scores, over the test sets of the tasks
 * learned so far; and as arrays, on demand, the error by task and the bins of the reliability diagram.
 *
 * The softmax of the scores of `head` is the head's own; of `bayes`, log p(u | y), it is the posterior for equal class priors; of
 * `ensemble` it is the product of the two experts, normalized. Nothing is rescaled by a temperature found on held-out data.
 *
 * @example
 * calibration({ detail: ['bins'] })
 */
export const calibration = definePlugin({
  point: Evaluator,
  name: 'calibration',
  summary: 'expected calibration error, negative log-likelihood and Brier score',
  options,
  class: Calibration,
})
