import * as tf from '@tensorflow/tfjs'

type Shapes = Readonly<Record<string, readonly number[]>>
type Count = (shapes: Shapes, output: readonly number[], attributes: Readonly<Record<string, unknown>>) => number

const size = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)
/** What goes into one number of the output: all of the filter but its last axis. */
const byFilter: Count = ({ filter }, output) => size(output) * size(filter!.slice(0, -1))
const product: Count = ({ a }, output, { transposeA }) => size(output) * a!.at(transposeA ? -2 : -1)!
const byChannel: Count = ({ filter }, output) => size(output) * size(filter!.slice(0, 2))

/** How many multiply-accumulates a kernel takes, by its name; those that are not here take none. */
const counts: Readonly<Record<string, Count>> = {
  LgmDense: ({ kernel }, output) => size(output) * kernel![0]!,
  LgmConvolve: ({ kernel }, output) => size(output) * size(kernel!.slice(0, -1)),
  BatchMatMul: product,
  _FusedMatMul: product,
  Conv2D: byFilter,
  FusedConv2D: byFilter,
  Conv3D: byFilter,
  DepthwiseConv2dNative: byChannel,
  FusedDepthwiseConv2D: byChannel,
  // a transposed convolution: each number of the input meets the filter of its channel
  Conv2DBackpropInput: ({ dy, filter }) => size(dy!) * size(filter!.slice(0, -1)),
}

/**
 * The multiply-accumulates that `compute` takes, from the kernels it runs: those of matrix products and convolutions, where a position in the
 * padding counts like any other. Additions, activations and other work on single numbers are not counted, as is usual.
 *
 * It listens at the engine while `compute` runs, which must be synchronous; a kernel that is made of others counts once. What `compute`
 * returns is disposed.
 */
export function multiplyAccumulates(compute: () => tf.Tensor): number {
  const engine = tf.engine()
  const runKernel = engine.runKernel
  let [total, depth] = [0, 0]
  engine.runKernel = ((name, inputs, attributes) => {
    depth += 1
    try {
      const output = runKernel.call(engine, name, inputs, attributes)
      const count = counts[name]
      if (depth === 1 && count && output instanceof tf.Tensor)
        total += count(shapesOf(inputs), output.shape, (attributes ?? {}) as Readonly<Record<string, unknown>>)
      return output
    } finally {
      depth -= 1
    }
  }) as typeof runKernel
  try {
    tf.tidy(() => void compute())
  } finally {
    engine.runKernel = runKernel
  }
  return total
}

function shapesOf(inputs: Readonly<Record<string, tf.Tensor | undefined>>): Shapes {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor?.shape ?? []]))
}
