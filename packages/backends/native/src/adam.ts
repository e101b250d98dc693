import * as tf from '@tensorflow/tfjs'
import type { Attribute, NodeBackend } from './node-backend.js'

/** A step of Adam for one parameter; all tensors have its shape. */
interface Inputs {
  readonly parameter: tf.TensorInfo
  readonly firstMoment: tf.TensorInfo
  readonly secondMoment: tf.TensorInfo
  readonly gradient: tf.TensorInfo
}

/** Correction k is 1 − βₖᵗ; `decay` is AdamW's, decoupled. */
interface Attributes {
  readonly rate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly correction1: number
  readonly correction2: number
  readonly decay: number
}

/**
 * Registers the kernel `LgmAdam`: (parameter, firstMoment, secondMoment, gradient) → the next three, in one fused operation.
 *
 * TensorFlow's `ResourceApplyAdam` updates variables in place. So the three tensors are assigned to variables (which shares their
 * buffers), updated (which copies first, because the buffers are shared), and read (which shares again): values in, values out.
 *
 * TensorFlow's ε̂ is added to √v, not to √(v / correction₂); ε̂ = ε √correction₂ with rate √correction₂ / correction₁ is the same step
 * (Kingma & Ba 2015, arXiv:1412.6980, end of section 2). The corrections are folded into the rate in double precision.
 */
export function registerAdam(backend: NodeBackend): void {
  const { binding } = backend
  const type = (name: string): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT })
  const flag = (name: string): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value: false })
  const text = (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value })
  const ofVariable = [type('dtype')]
  const ofAdam = [type('T'), flag('use_locking'), flag('use_nesterov')]
  const variable = (name: string): number => {
    const shape: Attribute = { name: 'shape', type: binding.TF_ATTR_SHAPE, value: [] }
    return binding.executeOp(
      'VarHandleOp',
      [type('dtype'), shape, text('shared_name', name), text('container', '')],
      [],
      1,
    )[0]!.id
  }
  const variables = ['parameter', 'firstMoment', 'secondMoment'].map(name => variable(`lgm-adam/${name}`))
  const scalar = scalars(backend)

  tf.registerKernel({
    kernelName: 'LgmAdam',
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => {
      const { parameter, firstMoment, secondMoment, gradient } = inputs as unknown as Inputs
      const { rate, beta1, beta2, epsilon, correction1, correction2, decay } = attrs as unknown as Attributes
      const root = Math.sqrt(correction2)
      const numbers = scalar([0, 0, (rate * root) / correction1, beta1, beta2, epsilon * root, 1 - rate * decay])
      const [parameterId, firstId, secondId, gradientId] = backend.getInputTensorIds([
        parameter,
        firstMoment,
        secondMoment,
        gradient,
      ])
      const shrunkId =
        decay > 0 ? binding.executeOp('Mul', [type('T')], [parameterId!, numbers[6]!], 1)[0]!.id : undefined
      for (const [index, id] of [shrunkId ?? parameterId!, firstId!, secondId!].entries())
        binding.executeOp('AssignVariableOp', ofVariable, [variables[index]!, id], 0)
      if (shrunkId !== undefined) binding.deleteTensor(shrunkId)
      binding.executeOp('ResourceApplyAdam', ofAdam, [...variables, ...numbers.slice(0, 6), gradientId!], 0)
      return variables.map(id =>
        backend.createOutputTensor(binding.executeOp('ReadVariableOp', ofVariable, [id], 1)[0]!),
      )
    },
  })
}

/** Scalars in the engine, by value, made once: most are the same for every parameter of a step. */
function scalars({ binding }: NodeBackend): (values: readonly number[]) => number[] {
  const ids = new Map<number, number>()
  return values => {
    if (ids.size > 64) {
      for (const id of ids.values()) binding.deleteTensor(id)
      ids.clear()
    }
    return values.map(value => {
      const id = ids.get(value) ?? binding.createTensor([], binding.TF_FLOAT, Float32Array.of(value))
      ids.set(value, id)
      return id
    })
  }
}
