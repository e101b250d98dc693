import * as tf from '@tensorflow/tfjs'
import { checkRestored, checkShapes, orRefused, shapesOf } from './check-restored.js'
import { modelFile, type Snapshot } from './checkpoint.js'
import { type Composition, nameOf } from './container.js'
import { Decoder, Embedder, Generator, Head, type Params, Regularizer, type Rng } from './contracts.js'
import { expected } from './errors.js'
import { range } from './examples.js'
import { disposeParams, flatten, unflatten, viewParams } from './params.js'

/**
 * Checks a model out of a file against the parts of a learner, which hold the states beside it: that it has the parameters that they
 * would have made, and that they can work with them and with each other.
 * @throws LgmError `checkpoint` naming the part.
 */
export function checkLoaded(parts: Composition, snapshot: Snapshot): void {
  checkRestored(modelFile, flatten(snapshot.model), rng => made(parts, snapshot, rng))
  askNetworks(parts, snapshot)
  askGenerator(parts, snapshot)
}

/** The parameters of a learner that has met the same classes in the same tasks, but has not trained. */
function made(parts: Composition, { model, exampleShape, seen }: Snapshot, rng: Rng): Params {
  const [embedder, head, decoder] = [parts.one(Embedder)!, parts.one(Head)!, parts.one(Decoder)]
  const codeShape = embedder.codeShape(exampleShape)
  const counts = seen.taskOf.flatMap((task, k) => (task === seen.taskOf[k + 1] ? [] : [k + 1]))
  const networks = {
    embedder: embedder.init(exampleShape, rng),
    head: counts
      .slice(1)
      .reduce((params, count) => head.grow(params, count, rng), head.init(codeShape, counts[0]!, rng)),
    decoder: decoder?.init(codeShape, exampleShape, rng) ?? {},
  }
  const added = parts.all(Regularizer).flatMap(part => Object.entries(part.added?.(flatten(model)) ?? {}))
  return {
    ...flatten(networks),
    ...Object.fromEntries(added.map(([name, shape]) => [name, placeholder(shape, rng)])),
  }
}

/** A tensor of a shape, counted like any that is drawn. */
function placeholder(shape: readonly number[], rng: Rng): tf.Tensor {
  return tf.tensor(rng.uniform(tf.util.sizeFromShape([...shape])), [...shape])
}

/** A code, logits and an example, through the views of the regularizers for each task. */
function askNetworks(parts: Composition, { model, exampleShape, seen }: Snapshot): void {
  const [embedder, head, decoder] = [parts.one(Embedder)!, parts.one(Head)!, parts.one(Decoder)]
  const codeShape = embedder.codeShape(exampleShape)
  const views = parts.all(Regularizer).filter(({ view }) => view)
  const answer = (part: unknown, shape: readonly number[], work: () => tf.Tensor): tf.Tensor => {
    const result = orRefused(nameOf(part), work)
    checkShape(nameOf(part), result, shape)
    return result
  }
  for (const task of views.length > 0 ? new Set(seen.taskOf) : [0])
    tf.tidy(() => {
      const used = unflatten(views.reduce((params, part) => viewed(part, params, task), flatten(model)))
      const u = answer(embedder, codeShape, () => embedder.embed(used.embedder, tf.zeros([1, ...exampleShape])))
      answer(head, [seen.names.length], () => head.classify(used.head, u))
      if (decoder) answer(decoder, exampleShape, () => decoder.decode(used.decoder, u))
    })
}

/** The parameters through one view, which gives them other values, but no other shapes. */
function viewed(part: Regularizer, params: Params, task: number): Params {
  const seen = orRefused(nameOf(part), () => viewParams([part], params, task))
  const names = Object.keys(seen).filter(name => params[name])
  const only = (from: Params) => Object.fromEntries(names.map(name => [name, from[name]!]))
  checkShapes(nameOf(part), only(seen), shapesOf(only(params)))
  return seen
}

/** A code of each class, and the density of one, from a generator that has memorized something. */
function askGenerator(parts: Composition, { exampleShape, seen }: Snapshot): void {
  const generator = parts.one(Generator)
  if (!generator) return
  const { tensors } = generator.state()
  disposeParams(tensors)
  if (Object.keys(tensors).length === 0) return
  const classes = seen.names.length
  const codeShape = parts.one(Embedder)!.codeShape(exampleShape)
  const answer = (rows: number, shape: readonly number[], work: () => tf.Tensor) => {
    const result = orRefused(nameOf(generator), work)
    result.dispose()
    checkShape(nameOf(generator), result, shape, rows)
  }
  answer(classes, codeShape, () => generator.sample(range(0, classes)))
  const u = tf.zeros([1, ...codeShape])
  try {
    if (generator.logProbability) answer(1, [classes], () => generator.logProbability!(u, classes))
  } finally {
    u.dispose()
  }
}

function checkShape(name: string, { shape }: tf.Tensor, wanted: readonly number[], rows = 1): void {
  const answer = (sides: readonly number[]) => `an answer of shape [${sides.join(', ')}]`
  const [what, got] = [answer([rows, ...wanted]), answer(shape)]
  if (got !== what)
    throw expected(name, what, got, 'load it with the plugins and options it was saved with', 'checkpoint')
}
