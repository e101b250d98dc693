// Memory of one plugin over many tasks, in a process of its own: node --expose-gc bench/memory-of.mjs generator/vae native 2000 20
// Prints one JSON object. Networks and data are tiny, so that what is lost shows beside what is kept.
import {
  consolidate,
  createLearner,
  createRng,
  decode,
  definePlugin,
  flatten,
  isPluginFactory,
  LgmError,
  learn,
  memorize,
  recall,
  Stream,
  z,
} from '@lgm/core'
import { mlp as decoder } from '@lgm/decoder-mlp'
import { mlp } from '@lgm/embedder-mlp'
import { linear } from '@lgm/head-linear'
import { tf } from './engine.mjs'

const [which = '', engine = 'native', steps = '2000', tasks = '20'] = process.argv.slice(2)
const [count, each] = [Number(tasks), Math.max(1, Math.round(Number(steps) / Number(tasks)))]
const [size, perClass] = [6, 20]

/** Options that keep networks tiny, and make the steps of a task as many as asked for, of those that a plugin has. */
const small = {
  widths: [8],
  latent: 2,
  couplings: 2,
  iterations: each,
  batchSize: 8,
  replaySize: 8,
  criticSteps: 1,
  retrain: false,
  period: each,
}

/** @param {string} name @param {object} [wanted] */
async function pluginOf(name, wanted = small) {
  const found = Object.values(await import(`@lgm/${name}`)).find(isPluginFactory)
  if (!found) throw new Error(`@lgm/${name}: expected a plugin, got none`)
  const { shape } = found.definition.options
  return found(Object.fromEntries(Object.entries(wanted).filter(([key]) => key in shape)))
}

/**
 * Tasks of two classes, each a blob: always the same two in a domain-incremental scenario, else two more in each task.
 * @param {'class' | 'task' | 'domain'} scenario
 */
function tasksOf(scenario) {
  const rng = createRng(0, '/memory')
  return Array.from({ length: count }, (_, index) => {
    const ids = scenario === 'domain' ? [0, 1] : [2 * index, 2 * index + 1]
    const labels = Int32Array.from({ length: 2 * perClass }, (_, i) => ids[i % 2])
    const values = rng.normal(labels.length * size)
    labels.forEach((label, i) => {
      values[i * size + (label % size)] += 4
    })
    /** @type {import('@lgm/core').Examples} */
    const examples = {
      count: labels.length,
      shape: [size],
      labels,
      read: async indices =>
        Float32Array.from(Array.from(indices).flatMap(i => Array.from(values.subarray(i * size, (i + 1) * size)))),
    }
    const names = ids.map(id => `class ${id}`)
    return { index, name: `task ${index}`, classes: ids, names, train: examples, test: examples }
  })
}

/** @param {'class' | 'task' | 'domain'} scenario @param {boolean} remembers */
async function learnerOf(scenario, remembers) {
  class Tasks {
    scenario = scenario
    tasks = async () => tasksOf(scenario)
  }
  const options = z.strictObject({})
  const stream = definePlugin({ point: Stream, name: 'blobs', summary: 'blobs', options, class: Tasks })
  const generates = which.startsWith('generator/')
  const tested = await pluginOf(which.replace('/', '-'))
  const generator = generates ? [tested] : remembers ? [await pluginOf('generator-gaussian', { components: 1 })] : []
  const iterations = generates ? 5 : each
  return createLearner([
    await pluginOf(`backend-${engine}`),
    stream(),
    mlp({ widths: [16], codes: 4, activation: 'relu', normalize: 'none' }),
    linear(),
    decoder({ widths: [8] }),
    ...generator,
    ...(generates ? [] : [tested]),
    ...(generator.length > 0 ? [recall({ perClass: 8 })] : []),
    learn({ iterations, batchSize: 8, replaySize: 8 }),
    decode({ iterations: 5, batchSize: 8 }),
    ...(generator.length > 0 ? [memorize()] : []),
    ...(generates ? [] : [consolidate()]),
  ])
}

/** The first way of use that the plugin takes, from that in which least may grow. */
async function firstThatFits() {
  const refusals = new Set()
  for (const scenario of /** @type {const} */ (['domain', 'class', 'task']))
    for (const remembers of [false, true])
      try {
        const learner = await learnerOf(scenario, remembers)
        await learner.learn(tasksOf(scenario)[0])
        await learner.dispose()
        return { scenario, remembers }
      } catch (error) {
        if (!(error instanceof LgmError)) throw error
        refusals.add(error.message)
      }
  throw new Error(`${which}: expected a way of use that it takes, got none:\n${[...refusals].join('\n')}`)
}

/**
 * Tensors of the model and in the states of the parts.
 * @param {import('@lgm/core').Learner} learner
 * @param {import('@lgm/core').Model} model
 */
function keptTensors({ parts }, model) {
  const states = [...parts.parts.values()].filter(part => typeof part?.state === 'function').map(part => part.state())
  for (const { tensors } of states) tf.dispose(tensors)
  return states.reduce((sum, { tensors }) => sum + Object.keys(tensors).length, Object.keys(flatten(model)).length)
}

/** @param {import('@lgm/core').Learner} learner @param {import('@lgm/core').Model} model */
function measure(learner, model) {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return { tensors: tf.memory().numTensors, kept: keptTensors(learner, model), bytes: process.memoryUsage.rss() }
}

const { scenario, remembers } = await firstThatFits()
const learner = await learnerOf(scenario, remembers)
const measured = []
let full
for (const task of tasksOf(scenario)) {
  try {
    const { state } = await learner.learn(task)
    measured.push(measure(learner, state.model))
  } catch (error) {
    // a method of masks has no room for more tasks some time
    if (!(error instanceof LgmError) || measured.length < 2) throw error
    full = error.message
    break
  }
}
const [first, warm, end] = [measured[0], measured[Math.floor(measured.length / 4)], measured.at(-1)]
console.log(
  JSON.stringify({
    plugin: which,
    scenario,
    tasks: measured.length,
    full,
    beside: remembers ? 'generator/gaussian' : undefined,
    tensors: end.tensors - first.tensors,
    keptTensors: end.kept - first.kept,
    warmMegabytes: Math.round(warm.bytes / 1e5) / 10,
    endMegabytes: Math.round(end.bytes / 1e5) / 10,
    engine: learner.engine,
  }),
)
await learner.dispose()
