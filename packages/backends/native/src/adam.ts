import * as tf from '@tensorflow/tfjs'
import { attributes, type NodeBackend } from './node-backend.js'

/** A step of Adam for one parameter; all tensors have its shape. */
interface Inputs {
  readonly parameter: tf.TensorInfo
  readonly firstMoment: tf.TensorInfo
  readonly secondMoment: tf.TensorInfo
  readonly gradient: tf.TensorInfo
}

/** Correction k is 1 − βₖᵗ; `decay` is AdamW's, decoupled; `spent` says of each of the first three inputs whether nobody reads it again. */
interface Attributes {
  readonly rate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly correction1: number
  readonly correction2: number
  readonly decay: number
  readonly spent?: readonly boolean[]
}

/**
 * Registers the kernel `LgmAdam`: (parameter, firstMoment, secondMoment, gradient) → the next three, in one fused operation.
 *
 * TensorFlow's `ResourceApplyAdam` updates variables in place. So the three tensors are assigned to variables (which shares their
 * buffers), updated (which copies first, because the buffers are shared), and read (which shares again): values in, values out. An
 * input that is `spent` is given to its variable alone, so that nothing is copied; its tensor holds no data from then on.
 *
 * TensorFlow's ε̂ is added to √v, not to √(v / correction₂); ε̂ = ε √correction₂ with rate √correction₂ / correction₁ is the same step
 * (Kingma & Ba 2015, arXiv:1412.6980, end of section 2). The corrections are folded into the rate in double precision.
 */
export function registerAdam(backend: NodeBackend): void {
  const { binding } = backend
  const { float, flag, text, shape } = attributes(backend)
  const ofVariable = [float('dtype')]
  const ofAdam = [float('T'), flag('use_locking', false), flag('use_nesterov', false)]
  const variable = (name: string): number =>
    binding.executeOp(
      'VarHandleOp',
      [float('dtype'), shape('shape', []), text('shared_name', name), text('container', '')],
      [],
      1,
    )[0]!.id
  const variables = ['parameter', 'firstMoment', 'secondMoment'].map(name => variable(`lgm-adam/${name}`))
  const scalar = scalars(backend)

  tf.registerKernel({
    kernelName: 'LgmAdam',
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) => {
      const { parameter, firstMoment, secondMoment, gradient } = inputs as unknown as Inputs
      const { rate, beta1, beta2, epsilon, correction1, correction2, decay, spent } = attrs as unknown as Attributes
      const root = Math.sqrt(correction2)
      const numbers = scalar([0, 0, (rate * root) / correction1, beta1, beta2, epsilon * root, 1 - rate * decay])
      const [parameterId, firstId, secondId, gradientId] = backend.getInputTensorIds([
        parameter,
        firstMoment,
        secondMoment,
        gradient,
      ])
      const shrunkId =
        decay > 0 ? binding.executeOp('Mul', [float('T')], [parameterId!, numbers[6]!], 1)[0]!.id : undefined
      for (const [index, id] of [shrunkId ?? parameterId!, firstId!, secondId!].entries())
        binding.executeOp('AssignVariableOp', ofVariable, [variables[index]!, id], 0)
      if (shrunkId !== undefined) binding.deleteTensor(shrunkId)
      for (const [index, tensor] of [parameter, firstMoment, secondMoment].entries())
        if (spent?.[index]) forget(backend, tensor)
      binding.executeOp('ResourceApplyAdam', ofAdam, [...variables, ...numbers.slice(0, 6), gradientId!], 0)
      return variables.map(id =>
        backend.createOutputTensor(binding.executeOp('ReadVariableOp', ofVariable, [id], 1)[0]!),
      )
    },
  })
}

/** Takes the data from a tensor that nobody reads again, unless others share it; disposing of the tensor stays right. */
function forget(backend: NodeBackend, { dataId }: tf.TensorInfo): void {
  const data = backend.tensorMap.get(dataId)
  if (data.refCount > 1) return
  backend.binding.deleteTensor(data.id)
  data.id = -1
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
