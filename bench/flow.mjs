// `node bench/flow.mjs [native|wasm] [steps]`: what a training step of the generator flow takes, on codes and on pixels of MNIST, by the
// code that a run goes through. Processor time beside wall clock, since the machine may be busy; set TF_NUM_INTRAOP_THREADS for threads.
import {
  arrayExamples,
  compose,
  corePoints,
  createRng,
  createTrainer,
  Embedder,
  Generator,
  mapExamples,
  range,
  Stream,
  selectExamples,
} from '@lgm/core'
import { mnist } from '@lgm/dataset-mnist'
import { dct } from '@lgm/embedder-dct'
import { flow } from '@lgm/generator-flow'
import { split } from '@lgm/stream-split'
import { startEngine, tf } from './engine.mjs'
import { Watch, window } from './workloads.mjs'

const [engine = 'native', given = '60'] = process.argv.slice(2)
const steps = Number(given)
if (!['native', 'wasm'].includes(engine) || !(steps > 0))
  throw new Error('usage: node bench/flow.mjs [native|wasm] [steps]')
await startEngine(/** @type {'native' | 'wasm'} */ (engine), false)

/** Options of what is measured; batches are of 128 new codes and, from the second task on, 128 recalled ones. */
const cases = {
  'codes of 64 numbers, first task': { of: 'codes', options: {}, second: false },
  'codes of 64 numbers, replay': { of: 'codes', options: {}, second: true },
  'codes of 64 numbers, distill': {
    of: 'codes',
    options: { retention: /** @type {const} */ ('distill') },
    second: true,
  },
  'pixels 28 × 28, mlp, first task': { of: 'pixels', options: { widths: [256, 256] }, second: false },
  'pixels 28 × 28, conv 32, 64, first task': {
    of: 'pixels',
    options: { net: /** @type {const} */ ('conv') },
    second: false,
  },
}

/** @param {import('@lgm/core').Plugin[]} plugins @param {number} iterations @param {(step: number) => void} stepped */
function parts(plugins, iterations, stepped) {
  const events = {
    emit: (/** @type {import('@lgm/core').LearnerEvent} */ event) =>
      event.type === 'step' ? stepped(event.step) : undefined,
  }
  const trainer = createTrainer(events)
  return compose(plugins, [], corePoints, {
    rng: createRng(0),
    trainer: { fit: fit => trainer.fit({ ...fit, iterations }) },
    events,
  })
}

const tasks =
  (await parts([mnist(), split({ tasks: 5 })], 1, () => {})
    .one(Stream)
    ?.tasks()) ?? []
const embedder = parts([dct()], 1, () => {}).one(Embedder)
const examples = await Promise.all(
  tasks.slice(0, 2).map(async ({ train }) => {
    const pixels = selectExamples(train, range(0, 2000))
    return { pixels, codes: await mapExamples(pixels, x => /** @type {Embedder} */ (embedder).embed({}, x)) }
  }),
)

for (const [title, { of, options, second }] of Object.entries(cases)) {
  const watch = new Watch()
  let counted = false
  const generator = parts([flow(options)], window + steps, step => {
    if (counted && step === window) watch.start()
  }).one(Generator)
  const [first, next] = examples.map(one => one[/** @type {'codes' | 'pixels'} */ (of)])
  if (!generator || !first || !next) throw new Error('MNIST: expected two tasks and a generator')
  if (second) await generator.memorize(first)
  counted = true
  const labels = range(0, 1000).map(i => i % 2)
  const samples = second ? generator.sample(labels) : undefined
  const recall = samples && arrayExamples(/** @type {Float32Array} */ (await samples.data()), first.shape, labels)
  watch.start()
  await (second ? generator.memorize(next, recall) : generator.memorize(first))
  const { seconds, cpu } = watch.read()
  const { tensors } = generator.state()
  const numbers = Object.values(tensors).reduce((sum, tensor) => sum + tensor.size, 0)
  console.log(
    `${title}: ${((1000 * seconds) / steps).toFixed(1)} ms a step, ${((1000 * cpu) / steps).toFixed(1)} ms of processor time, ${numbers} numbers`,
  )
  tf.dispose(tensors)
  samples?.dispose()
  generator.dispose?.()
}
process.exit(0)
