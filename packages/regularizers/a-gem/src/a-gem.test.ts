import {
  arrayExamples,
  flatten,
  type LearnerEvent,
  learn,
  mapParams,
  nameOf,
  type Params,
  Phase,
  Regularizer,
  type TaskState,
} from '@lgm/core'
import {
  build,
  checkRegularizer,
  composeParts,
  expectClose,
  expectNoLeak,
  fromGoldenOrder,
  golden,
  tinyDecoder,
  tinyGenerator,
  tinyModel,
  tinyState,
  tinyTasks,
  toGoldenOrder,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { aGem, projectAway } from './a-gem.js'

checkRegularizer({ plugin: () => aGem() })
checkRegularizer({ plugin: () => aGem({ perClass: 3, batchSize: 4 }), scenario: 'domain' })
checkRegularizer({ plugin: () => aGem({ protect: 'embedder' }), scenario: 'task' })
checkRegularizer({
  plugin: () => aGem({ memory: 'decoded' }),
  beside: [tinyGenerator(), tinyDecoder()],
  within: state => ({ ...state, decodedRecall: state.task.train }),
})

const { fixture } = golden
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

function goldenState(): TaskState {
  const examples = arrayExamples(Float32Array.from(fixture.x.flat()), [2], Int32Array.from(fixture.y))
  const task = { index: 0, name: 'golden', classes: [0, 1], names: ['0', '1'], train: examples, test: examples }
  return tinyState([task], 0, tinyModel({ weights: 'golden' }).model, 'domain')
}

/** A-GEM within a task after the golden one, whose memory is all golden examples. */
async function within(options: Parameters<typeof aGem>[0] = {}): Promise<{ regularizer: Regularizer; params: Params }> {
  const regularizer = build(Regularizer, aGem(options), { beside: tinyModel().plugins })
  await regularizer.consolidate(goldenState())
  await regularizer.begin!(goldenState())
  return { regularizer, params: flatten(goldenState().model) }
}

describe('the projection', () => {
  test.each(golden.aGem)('is golden for the reference $reference, over all tensors as one vector', vectors => {
    const params = (numbers: number[]) => ({
      a: tf.tensor2d(numbers.slice(0, 2), [2, 1]),
      b: tf.tensor1d(numbers.slice(2)),
    })
    const { projected, violated } = projectAway(params(vectors.gradient), params(vectors.reference))
    expectClose([...projected.a!.dataSync(), ...projected.b!.dataSync()], vectors.projected, 1e-6)
    expect(violated.dataSync()[0]).toBe(dot(vectors.gradient, vectors.reference) < 0 ? 1 : 0)
  })

  test('leaves a gradient alone where there is no gradient on memory', () => {
    const { projected, violated } = projectAway({ a: tf.tensor1d([1, 2]) }, { a: tf.zeros([2]) })
    expectClose(projected.a!, [1, 2], 0)
    expect(violated.dataSync()[0]).toBe(0)
  })

  test('by the golden memory takes away what points against its golden gradient', async () => {
    const { regularizer, params } = await within()
    const gradient = fixture.theta.map((_, k) => (-1) ** k * (k + 1))
    const reference = fixture.meanGradient
    for (const sign of [1, -1]) {
      const given = gradient.map(value => sign * value)
      const factor = Math.min(dot(given, reference), 0) / dot(reference, reference)
      const projected = toGoldenOrder(regularizer.project!(fromGoldenOrder(given), params))
      expectClose(
        projected,
        given.map((value, k) => value - factor * reference[k]!),
        1e-3,
      )
      expect(dot(projected, reference)).toBeGreaterThan(-1e-5)
    }
  })

  test('with protect: embedder is over the vector of the embedder alone', async () => {
    const { regularizer, params } = await within({ protect: 'embedder' })
    const reference = fixture.meanGradient.slice(0, 9)
    const given = fixture.meanGradient.map(value => -value)
    // g = −r there, so nothing of it is left: g − (−r·r / r·r) r = 0
    const projected = toGoldenOrder(regularizer.project!(fromGoldenOrder(given), params))
    expectClose(
      projected.slice(0, 9),
      reference.map(() => 0),
      1e-7,
    )
    expectClose(projected.slice(9), given.slice(9), 1e-7)
  })

  test('with latent memory leaves the embedder alone', async () => {
    const regularizer = build(Regularizer, aGem({ memory: 'latent' }), {
      beside: [...tinyModel().plugins, tinyGenerator()],
    })
    const state = goldenState()
    const recall = arrayExamples(
      Float32Array.from({ length: 12 }, (_, i) => i / 6 - 1),
      [3],
      Int32Array.of(0, 1, 0, 1),
    )
    await regularizer.begin!({ ...state, before: state.seen, recall })
    const params = flatten(state.model)
    const changed = [1, -1].map(sign => {
      const given = mapParams(params, tensor => tensor.mul(sign))
      const [before, after] = [given, regularizer.project!(given, params)].map(toGoldenOrder)
      expect(after!.slice(0, 9)).toEqual(before!.slice(0, 9))
      return after!.slice(9).some((value, k) => value !== before![9 + k])
    })
    expect(changed.filter(Boolean)).toHaveLength(1)
  })

  test('does nothing in the first task', async () => {
    const regularizer = build(Regularizer, aGem(), { beside: tinyModel().plugins })
    await regularizer.begin!(goldenState())
    const gradients = fromGoldenOrder(fixture.theta)
    expect(regularizer.project!(gradients, gradients)).toBe(gradients)
    expect(regularizer.measure!()).toEqual([])
  })

  test('leaves no tensor behind', async () => {
    const { regularizer, params } = await within()
    const given = fromGoldenOrder(fixture.theta)
    await expectNoLeak(() => tf.dispose(regularizer.project!(given, params) as tf.TensorContainer))
  })
})

test('counts the steps at which the gradient was projected, anew in each task', async () => {
  const { regularizer, params } = await within()
  const along = fromGoldenOrder(fixture.meanGradient)
  const against = fromGoldenOrder(fixture.meanGradient.map(value => -value))
  for (const gradients of [along, against, along, along]) regularizer.project!(gradients, params)
  expect(regularizer.measure!().map(({ name, value, unit }) => [name, value, unit])).toEqual([
    ['regularizer/a-gem/violations', 0.25, 'fraction'],
    ['regularizer/a-gem/projected', 1, 'steps'],
  ])
  await regularizer.begin!(goldenState())
  expect(regularizer.measure!()).toEqual([])
})

test('several compose in the order listed', async () => {
  const tasks = tinyTasks({ scenario: 'domain' })
  const options = { use: 'sgd', rate: 1 } as const
  /** One step of the second task after a first of none, with both memories of all of the first task. */
  const step = async (order: readonly ('embedder' | 'embedder+head')[]) => {
    const parts = composeParts([
      ...tinyModel().plugins,
      ...order.map(protect => aGem({ protect })),
      learn({ iterations: 1, batchSize: 40, optimizer: options }),
    ])
    const { model } = tinyModel()
    const regularizers = parts.all(Regularizer)
    for (const regularizer of regularizers) await regularizer.consolidate(tinyState(tasks, 0, model, 'domain'))
    const next = tinyState(tasks, 1, model, 'domain', model)
    const learned = await parts.one(Phase)!.run(next)
    // the same again by hand: θ − θ′ of a step without them is g, at rate 1
    const bare = await composeParts([
      ...tinyModel().plugins,
      learn({ iterations: 1, batchSize: 40, optimizer: options }),
    ])
      .one(Phase)!
      .run(next)
    const moved = (after: TaskState) =>
      Object.fromEntries(
        Object.entries(flatten(model)).map(([name, tensor]) => [name, tensor.sub(flatten(after.model)[name]!)]),
      )
    for (const regularizer of regularizers) await regularizer.begin!(next)
    const expected = regularizers.reduce((g, each) => each.project!(g, flatten(model)), moved(bare) as Params)
    expectClose(toGoldenOrder(moved(learned)), toGoldenOrder(expected), 1e-5)
    return toGoldenOrder(moved(learned))
  }
  const [first, second] = [await step(['embedder', 'embedder+head']), await step(['embedder+head', 'embedder'])]
  expect(Math.max(...first.map((value, k) => Math.abs(value - second[k]!)))).toBeGreaterThan(1e-3)
})

test('a step that follows the projection does not raise the loss on memory, where one without it does', async () => {
  const tasks = tinyTasks({ scenario: 'domain' })
  const train = async (plugins: Parameters<typeof composeParts>[0]) => {
    const events: LearnerEvent[] = []
    const parts = composeParts([...tinyModel().plugins, ...plugins], { events })
    const phase = parts.one(Phase)!
    const first = await phase.run(tinyState(tasks, 0, tinyModel().model, 'domain'))
    for (const regularizer of parts.all(Regularizer)) await regularizer.consolidate(first)
    const second = await phase.run(tinyState(tasks, 1, first.model, 'domain', first.model))
    const { embedder, head } = tinyModel()
    const { count, labels, read } = tasks[0]!.train
    const x = tf.tensor2d((await read(Int32Array.from(labels.keys()))) as Float32Array, [count, 2])
    const loss = ({ model }: TaskState) =>
      tf.losses
        .softmaxCrossEntropy(
          tf.oneHot(tf.tensor1d(labels, 'int32'), 2),
          head.classify(model.head, embedder.embed(model.embedder, x)),
        )
        .dataSync()[0]!
    return { rise: loss(second) - loss(first), measured: second.measurements ?? [], parts }
  }
  const phase = learn({ iterations: 60, batchSize: 10, optimizer: { use: 'sgd', rate: 0.05 } })
  const [free, held] = [await train([phase]), await train([aGem(), phase])]
  expect(free.rise).toBeGreaterThan(0.2)
  expect(held.rise).toBeLessThan(0.05)
  const figure = (name: string) =>
    held.measured.find(each => each.name === `regularizer/a-gem/${name}`)?.value as number
  expect(figure('violations')).toBeGreaterThan(0)
  expect(figure('violations')).toBe(figure('projected') / 60)
  expect(figure('share')).toBeGreaterThan(0)
  expect(nameOf(held.parts.all(Regularizer)[0])).toBe('regularizer/a-gem')
})

test('a missing generator is an error at composition that names the remedy', () => {
  expect(() => build(Regularizer, aGem({ memory: 'latent' }), { beside: tinyModel().plugins })).toThrow(
    'regularizer "a-gem": expected a generator for memory: latent, got none; add a generator, or set memory: examples',
  )
})
