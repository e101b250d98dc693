import {
  arrayExamples,
  type Batch,
  consolidate,
  createLearner,
  createRng,
  decode,
  differentiate,
  type Examples,
  flatten,
  learn,
  mapExamples,
  memorize,
  type Params,
  type Plugin,
  Regularizer,
  recall,
  type Task,
  type TaskState,
} from '@lgm/core'
import {
  build,
  checkRegularizer,
  composeParts,
  expectClose,
  finiteDifferences,
  tinyDecoder,
  tinyGenerator,
  tinyModel,
  tinyState,
  tinyTasks,
} from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { describe, expect, test } from 'vitest'
import { aeDistillation } from './ae-distillation.js'

type Options = Parameters<typeof aeDistillation>[0]
const memory = [tinyDecoder(), tinyGenerator()]

/** Ten codes and ten images of them, of no particular decoder. */
function withRecall(state: TaskState, count = 10): TaskState {
  const rng = createRng(1, '/recall')
  const labels = Int32Array.from({ length: count }, (_, i) => i % state.before.names.length)
  return {
    ...state,
    recall: arrayExamples(rng.normal(count * 3), [3], labels),
    decodedRecall: arrayExamples(rng.normal(count * 2), [2], labels),
  }
}

checkRegularizer({ plugin: () => aeDistillation({ strength: 10 }), beside: memory, within: state => withRecall(state) })
checkRegularizer({
  plugin: () => aeDistillation({ strength: 10, target: 'latent' }),
  beside: memory,
  within: state => withRecall(state),
  anchored: false,
})

const { embedder, model } = tinyModel({ classes: 4 })
const second = withRecall(tinyState(tinyTasks(), 1, model, 'class', model))
const batch: Batch = { x: tf.zeros([1, 2]), labels: tf.zeros([1], 'int32') }

async function begun(options: Options, state = second): Promise<Regularizer> {
  const regularizer = build(Regularizer, aeDistillation(options), { beside: [...tinyModel().plugins, ...memory] })
  await regularizer.begin!(state)
  return regularizer
}

function penaltyAt(regularizer: Regularizer, params: Params = flatten(model)): number {
  return regularizer.penalty!(params, batch).dataSync()[0]!
}

async function rowsOf(examples: Examples): Promise<number[][]> {
  const size = examples.shape.reduce((a, b) => a * b, 1)
  const values = await examples.read(Int32Array.from({ length: examples.count }, (_, i) => i))
  return Array.from({ length: examples.count }, (_, i) => Array.from(values.subarray(i * size, (i + 1) * size)))
}

/** tanh(xW + b) in plain numbers. */
function encoded(params: Params, x: readonly number[]): number[] {
  const [kernel, bias] = [params['embedder/kernel']!.dataSync(), params['embedder/bias']!.dataSync()]
  return Array.from(bias, (b, j) => Math.tanh(b + x.reduce((sum, value, i) => sum + value * kernel[i * 3 + j]!, 0)))
}

function distance(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

const moved = Object.fromEntries(
  Object.entries(flatten(model)).map(([name, tensor]) => [name, tensor.add(0.1)]),
) as Params

describe('the penalty', () => {
  test('is λ times the mean over recall of ‖u − E(x̂)‖², summed over the code, where the target is latent', async () => {
    const [u, x] = [await rowsOf(second.recall!), await rowsOf(second.decodedRecall!)]
    const byHand = mean(u.map((code, n) => distance(code, encoded(moved, x[n]!))))
    expectClose([penaltyAt(await begun({ strength: 3, target: 'latent' }), moved)], [3 * byHand], 1e-4)
  })

  test('is measured from E before the task where the target is the round trip, and zero there', async () => {
    const x = await rowsOf(second.decodedRecall!)
    const byHand = mean(x.map(image => distance(encoded(flatten(model), image), encoded(moved, image))))
    const regularizer = await begun({ strength: 3, target: 'round-trip' })
    expect(penaltyAt(regularizer)).toBe(0)
    expectClose([penaltyAt(regularizer, moved)], [3 * byHand], 1e-5)
  })

  test('is the same for both targets where the decoder loses nothing', async () => {
    // u = E(x̂) exactly: the codes are those of the images
    const lossless = {
      ...second,
      recall: await mapExamples(second.decodedRecall!, x => embedder.embed(model.embedder, x)),
    }
    const penalties = await Promise.all(
      (['latent', 'round-trip'] as const).map(async target => penaltyAt(await begun({ target }, lossless), moved)),
    )
    expect(penalties[0]).toBeGreaterThan(0)
    expectClose([penalties[0]!], [penalties[1]!], 1e-7)
  })

  test('pulls at the embedder alone, and by the gradient of finite differences', async () => {
    const regularizer = await begun({ strength: 3 })
    const { gradients } = differentiate(moved, () => ({ penalty: regularizer.penalty!(moved, batch) }))
    const differences = finiteDifferences(params => regularizer.penalty!(params, batch), moved)
    for (const [name, numbers] of Object.entries(differences)) {
      if (name.startsWith('embedder/')) expectClose(gradients[name]!, numbers, 1e-3)
      else expect(gradients[name]).toBeUndefined()
    }
  })

  test('of more recall than a batch is of rows drawn by the Rng, and in the mean that of all', async () => {
    const many = withRecall(second, 64)
    const whole = penaltyAt(await begun({ batchSize: 64 }, many), moved)
    const drawn = async () => {
      const regularizer = await begun({ batchSize: 16 }, many)
      return Array.from({ length: 200 }, () => penaltyAt(regularizer, moved))
    }
    const penalties = await drawn()
    expect(new Set(penalties).size).toBeGreaterThan(100)
    expect(penalties).toEqual(await drawn())
    const deviation = Math.sqrt(mean(penalties.map(penalty => (penalty - whole) ** 2)))
    // the standard error of the mean of 200
    expect(Math.abs(mean(penalties) - whole)).toBeLessThan((4 * deviation) / Math.sqrt(200))
  })

  test('there is none after consolidation, and none in the first task', async () => {
    const regularizer = await begun({})
    expect(penaltyAt(regularizer, moved)).toBeGreaterThan(0)
    await regularizer.consolidate(second)
    expect(penaltyAt(regularizer, moved)).toBe(0)
    await regularizer.begin!(second)
    await regularizer.begin!(tinyState(tinyTasks(), 0, tinyModel().model))
    expect(penaltyAt(regularizer, moved)).toBe(0)
    expect(regularizer.measure!()).toEqual([])
  })
})

test('reports the floor ‖u − E(x̂)‖² / ‖u‖², over all of recall, by E as it was before the task', async () => {
  const [u, x] = [await rowsOf(second.recall!), await rowsOf(second.decodedRecall!)]
  const error = mean(u.map((code, n) => distance(code, encoded(flatten(model), x[n]!))))
  const size = mean(u.map(code => distance(code, [0, 0, 0])))
  const figures = (await begun({})).measure!()
  expect(figures).toMatchObject([{ name: 'regularizer/ae-distillation/round-trip-floor', unit: 'fraction' }])
  expectClose([figures[0]!.value as number], [error / size], 1e-6)
})

test('in the real phases holds the codes of old images nearer to where they were, with no stored example', async () => {
  const tasks = tinyTasks({ tasks: 2 })
  const drift = async (regularizers: readonly Plugin[]) => {
    const fit = { iterations: 60, optimizer: { use: 'adam', rate: 0.02 } } as const
    const learner = await createLearner([
      ...tinyModel().plugins,
      ...memory,
      ...regularizers,
      recall({ perClass: 50 }),
      learn({ ...fit, autoencode: 1 }),
      decode(fit),
      memorize(),
      ...(regularizers.length > 0 ? [consolidate()] : []),
    ])
    const codes = async (task: Task) => {
      const { state } = await learner.learn(task)
      const u = await mapExamples(tasks[0]!.test, x => embedder.embed(state.model.embedder, x))
      return { codes: await rowsOf(u), figures: state.measurements ?? [] }
    }
    const [before, after] = [await codes(tasks[0]!), await codes(tasks[1]!)]
    await learner.dispose()
    return { moved: mean(before.codes.map((code, n) => distance(code, after.codes[n]!))), figures: after.figures }
  }
  const [free, held] = [await drift([]), await drift([aeDistillation({ strength: 20 })])]
  expect(held.moved).toBeLessThan(free.moved / 2)
  expect(held.figures.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'regularizer/ae-distillation/penalty',
      'regularizer/ae-distillation/share',
      'regularizer/ae-distillation/round-trip-floor',
    ]),
  )
})

test('no decoder, no generator, no recall, or an embedder without parameters is an error with a remedy', async () => {
  const compose = (plugins: readonly Plugin[]) => () =>
    composeParts([...tinyModel().plugins, ...plugins, aeDistillation()])
  expect(compose([memory[1]!])).toThrow(/"ae-distillation": expected a decoder beside it, got none/)
  expect(compose([memory[0]!])).toThrow(/"ae-distillation": expected a generator beside it, got none/)
  expect(compose(memory)).not.toThrow()
  const { recall: _, decodedRecall: __, ...bare } = second
  await expect(begun({}, bare)).rejects.toThrow(
    'regularizer "ae-distillation": expected samples of old classes and their decodings, got none; list the phase recall before learn',
  )
  await expect(begun({}, { ...second, model: { ...model, embedder: {} } })).rejects.toThrow(
    'regularizer "ae-distillation": expected an embedder with parameters, got one without; use an embedder that learns, or leave the regularizer out',
  )
  expect(() => aeDistillation({ taget: 'latent' } as Options)).toThrow(/did you mean "target"/)
})
