import {
  type Batch,
  consolidate,
  createLearner,
  differentiate,
  flatten,
  learn,
  mapExamples,
  type Params,
  type Plugin,
  Regularizer,
  range,
  type TaskState,
} from '@lgm/core'
import { build, checkRegularizer, expectClose, tinyModel, tinyState, tinyTasks } from '@lgm/testing'
import * as tf from '@tensorflow/tfjs'
import { expect, test } from 'vitest'
import { featureDistillation } from './feature-distillation.js'

checkRegularizer({ plugin: () => featureDistillation({ strength: 10 }), within: state => state })

const { embedder, model } = tinyModel()
const batch: Batch = {
  x: tf.tensor2d([
    [0.4, -1],
    [1.2, 0.3],
  ]),
  labels: tf.tensor1d([2, 3], 'int32'),
}

function begun(strength: number, state: TaskState): Regularizer {
  const regularizer = build(Regularizer, featureDistillation({ strength }), { beside: tinyModel().plugins })
  regularizer.begin!(state)
  return regularizer
}

/** The second task of two, after a first that ended with `model`. */
const second = tinyState(tinyTasks(), 1, model, 'class', model)

/** tanh⁻¹ of the codes moves by `shift`: the biases of the embedder do. */
function shifted(shift: number): Params {
  return flatten({ ...model, embedder: { ...model.embedder, bias: model.embedder.bias!.add(shift) } })
}

test('is λ times the mean over the batch of ‖E_t(x) − E_{t−1}(x)‖², summed over the code', () => {
  const codes = (params: Params) =>
    (
      embedder.embed({ kernel: params['embedder/kernel']!, bias: params['embedder/bias']! }, batch.x) as tf.Tensor2D
    ).arraySync()
  const [before, after] = [codes(flatten(model)), codes(shifted(0.3))]
  const squares = before.map((code, n) => code.reduce((sum, value, i) => sum + (value - after[n]![i]!) ** 2, 0))
  expectClose(begun(3, second).penalty!(shifted(0.3), batch), [(3 * (squares[0]! + squares[1]!)) / 2], 1e-5)
})

test('pulls at the embedder, and not at the head', () => {
  const params = shifted(0.3)
  const { gradients } = differentiate(params, () => ({ penalty: begun(1, second).penalty!(params, batch) }))
  expect(Object.keys(gradients).sort()).toEqual(['embedder/bias', 'embedder/kernel'])
})

test('is nothing where the batch holds codes of a frozen embedder', () => {
  const codes = { ...batch, x: tf.zeros([2, 3]), embedded: true }
  expectClose(begun(1, second).penalty!(shifted(0.3), codes), [0], 0)
})

test('in the real phases holds the codes of new images nearer to where they were', async () => {
  const tasks = tinyTasks({ tasks: 2 })
  const moved = async (regularizers: readonly Plugin[]) => {
    const learner = await createLearner([
      ...tinyModel().plugins,
      ...regularizers,
      learn({ iterations: 60, optimizer: { use: 'adam', rate: 0.02 } }),
      ...(regularizers.length > 0 ? [consolidate()] : []),
    ])
    const codes = async (task: number) => {
      const { state } = await learner.learn(tasks[task]!)
      return (await mapExamples(tasks[1]!.test, x => embedder.embed(state.model.embedder, x))).read(range(0, 20))
    }
    const [before, after] = [await codes(0), await codes(1)]
    await learner.dispose()
    return before.reduce((sum, value, i) => sum + (value - after[i]!) ** 2, 0)
  }
  expect(await moved([featureDistillation({ strength: 20 })])).toBeLessThan((await moved([])) / 2)
})

test('an embedder without parameters, and one that is frozen, are errors with a remedy', async () => {
  const fixed = { ...second, model: { ...model, embedder: {} } }
  expect(() => begun(1, fixed)).toThrow(
    'regularizer "feature-distillation": expected an embedder with parameters, got one without; use an embedder that learns, or leave the regularizer out',
  )
  const learner = await createLearner([
    ...tinyModel().plugins,
    featureDistillation(),
    learn({ iterations: 3, embedder: 'freeze' }),
    consolidate(),
  ])
  await learner.learn(tinyTasks()[0]!)
  await expect(learner.learn(tinyTasks()[1]!)).rejects.toThrow(
    /"feature-distillation": expected a penalty above 0 .* the embedder is frozen/,
  )
  await learner.dispose()
})
