// The framework's training steps, by the code that a run goes through: the phase `learn`, or `memorize` of a generator, and
// core's trainer. Only how many steps there are is told to the trainer from here.
import {
  compose,
  corePoints,
  createRng,
  createTrainer,
  disposeParams,
  Embedder,
  flatten,
  Generator,
  Head,
  learn,
  Phase,
  Stream,
} from '@lgm/core'
import { mnist } from '@lgm/dataset-mnist'
import { conv } from '@lgm/embedder-conv'
import { mlp } from '@lgm/embedder-mlp'
import { gan } from '@lgm/generator-gan'
import { vae } from '@lgm/generator-vae'
import { linear } from '@lgm/head-linear'
import { split } from '@lgm/stream-split'
import { batchSize, codes, criticSteps, filters, latent, rate, Watch, widths, window } from './workloads.mjs'

/** @typedef {import('@lgm/core').Fit} Fit */

const optimizer = { rate }
const ofGan = { widths, latent, criticSteps, batchSize, optimizer }

/** @type {Record<import('./workloads.mjs').Workload, import('@lgm/core').Plugin[]>} */
const plugins = {
  mlp: [mlp({ widths: [widths[0] ?? 0], codes: widths[1], activation: 'relu', normalize: 'none' }), linear()],
  cnn: [conv({ filters, codes, activation: 'relu', normalize: 'none' }), linear()],
  vae: [vae({ widths, latent, conditional: false, likelihood: 'bernoulli', batchSize, optimizer })],
  gan: [gan({ ...ofGan, penalty: 10 })],
  'gan-free': [gan({ ...ofGan, loss: 'hinge', penalty: 0 })],
}

/** Real MNIST, all ten classes in one task, as a run gets it. */
async function onlyTask() {
  const [task] =
    (await parts([mnist(), split({ tasks: 1 })])
      .one(Stream)
      ?.tasks()) ?? []
  if (!task) throw new Error('MNIST: expected one task, got none')
  return task
}

/**
 * @param {import('@lgm/core').Plugin[]} chosen
 * @param {(fit: Fit) => Fit} [change]
 * @param {(step: number) => void} [stepped]
 */
function parts(chosen, change = fit => fit, stepped = () => {}) {
  /** @type {import('@lgm/core').Events} */
  const events = { emit: event => (event.type === 'step' ? stepped(event.step) : undefined) }
  const trainer = createTrainer(events)
  return compose(chosen, [], corePoints, {
    rng: createRng(0),
    trainer: { fit: fit => trainer.fit(change(fit)) },
    events,
  })
}

/** @returns {Promise<(workload: import('./workloads.mjs').Workload, steps: number, change?: (fit: Fit) => Fit) => Promise<import('./workloads.mjs').Time>>} */
export async function frameworkSteps() {
  const task = await onlyTask()
  const seen = { scenario: /** @type {const} */ ('class'), names: task.names, taskOf: task.classes.map(() => 0) }
  const before = { ...seen, names: [], taskOf: [] }

  return async (workload, steps, change = fit => fit) => {
    const watch = new Watch()
    const chosen = plugins[workload]
    const generates = chosen.some(({ definition }) => definition.point.name === Generator.name)
    const composed = parts(
      generates ? chosen : [...chosen, learn({ batchSize, optimizer })],
      fit => change({ ...fit, iterations: window + steps }),
      step => (step === window ? watch.start() : undefined),
    )
    const generator = composed.one(Generator)
    if (generator) {
      await generator.memorize(task.train)
      const time = watch.read()
      generator.dispose?.()
      return time
    }
    const embedder = /** @type {Embedder} */ (composed.one(Embedder))
    const head = /** @type {Head} */ (composed.one(Head))
    const [phase] = composed.all(Phase)
    const rng = createRng(0)
    const model = {
      embedder: embedder.init(task.train.shape, rng),
      head: head.init(embedder.codeShape(task.train.shape), seen.names.length, rng),
      decoder: {},
    }
    const state = await phase?.run({ task, seen, before, model })
    const time = watch.read()
    for (const used of [model, state?.model ?? model]) disposeParams(flatten(used))
    return time
  }
}
