import { createRng, expected, sizeOf, z } from '@lgm/core'

/** Options that decide what a flow looks like, to be spread into a plugin's own. */
export const flowOptions = {
  couplings: z.int().min(1).default(8).describe('couplings, of which two in a row transform every number once'),
  widths: z
    .array(z.int().min(1))
    .min(1)
    .default([128, 128])
    .describe('of net: mlp, units of the hidden layers of each coupling'),
  net: z
    .enum(['mlp', 'conv'])
    .default('mlp')
    .describe('fully connected layers, or convolutions for codes of shape [height, width, channels]'),
  filters: z
    .array(z.int().min(1))
    .min(1)
    .default([32, 64])
    .describe('of net: conv, filters from the code inwards, each layer halving the sides, and back again'),
  bound: z.number().positive().default(2).describe('c, the largest log scale of one coupling, c · tanh(s / c)'),
  conditional: z.boolean().default(true).describe('whether the couplings are given the label, or the base alone'),
}

/** What decides the shapes of the parameters, and how they are used: all options of `flowOptions`, and the shape of a code. */
export interface Flow {
  readonly shape: readonly number[]
  readonly net: 'mlp' | 'conv'
  readonly couplings: number
  readonly widths: readonly number[]
  readonly filters: readonly number[]
  readonly bound: number
  readonly conditional: boolean
}

/**
 * @throws LgmError `composition` in the name of `where` for codes of one number, of which none is left to transform the other by, and for
 * net conv and codes that are no feature maps.
 */
export function checkFlow(where: string, { shape, net }: Flow): void {
  const got = `[${shape.join(', ')}]`
  if (sizeOf(shape) < 2)
    throw expected(where, 'codes of at least 2 numbers', got, 'use the generator "gaussian"', 'composition')
  if (net === 'conv' && shape.length !== 3)
    throw expected(where, 'codes of shape [height, width, channels] for net: conv', got, 'use net: mlp', 'composition')
}

/** How many of `size` numbers, in their order of that coupling, condition the rest: halves change places from one to the next. */
export function conditioning(size: number, coupling: number): number {
  return coupling % 2 === 0 ? Math.floor(size / 2) : Math.ceil(size / 2)
}

const orders = new Map<string, Int32Array>()

/**
 * The order in which coupling `coupling` takes `size` numbers from the one before, or none where it takes them as they come: a random one
 * before every second coupling. It depends on these two numbers only, so that it is no state.
 */
export function orderBefore(size: number, coupling: number): Int32Array | undefined {
  if (coupling % 2 === 1) return undefined
  const key = `${size}/${coupling}`
  let order = orders.get(key)
  if (!order) {
    order = createRng(0).fork(key).permutation(size)
    orders.set(key, order)
  }
  return order
}

/**
 * Which numbers of a map coupling `coupling` transforms, 1, and which condition them, 0: `[height · width · channels]`. Pairs of couplings
 * transform one colour of a checkerboard after the other, then, where there are channels to choose among, half of the channels after the
 * other half (Dinh et al. 2017, figure 3), in random halves.
 */
export function transformed([height, width, channels]: readonly number[], coupling: number): Float32Array {
  const pair = Math.floor(coupling / 2)
  const byChannel = channels! > 1 && (pair % 2 === 1 || height! * width! === 1)
  const places = byChannel ? createRng(0).fork(`${channels}/${pair}`).permutation(channels!) : undefined
  return Float32Array.from({ length: height! * width! * channels! }, (_, i) => {
    const [row, column] = [Math.floor(i / (width! * channels!)), Math.floor(i / channels!) % width!]
    const side = places ? Number(places[i % channels!]! < channels! / 2) : (row + column) % 2
    return side === coupling % 2 ? 1 : 0
  })
}
