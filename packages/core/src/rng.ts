import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'
import type { Rng } from './contracts.js'

/**
 * A seeded generator (xoroshiro128+ of pure-rand) whose state can be read and set.
 * Normal deviates by Box and Muller (1958), in pairs; an odd count discards the last sine.
 */
export function createRng(seed: number, path = ''): Rng {
  let source: RandomGenerator = xoroshiro128plusFromState(spread(hash(`${seed} ${path}`)))
  const unit = () => (source.next() >>> 8) / 0x1000000
  return {
    uniform(count) {
      const values = new Float32Array(count)
      for (let i = 0; i < count; i++) values[i] = unit()
      return values
    },
    normal(count) {
      const values = new Float32Array(count)
      for (let i = 0; i < count; i += 2) {
        const radius = Math.sqrt(-2 * Math.log(1 - unit()))
        const angle = 2 * Math.PI * unit()
        values[i] = radius * Math.cos(angle)
        if (i + 1 < count) values[i + 1] = radius * Math.sin(angle)
      }
      return values
    },
    integers(count, below) {
      const values = new Int32Array(count)
      for (let i = 0; i < count; i++) values[i] = uniformInt(source, 0, below - 1)
      return values
    },
    permutation(count) {
      const order = Int32Array.from({ length: count }, (_, i) => i)
      for (let i = count - 1; i > 0; i--) {
        const j = uniformInt(source, 0, i)
        const swapped = order[i]!
        order[i] = order[j]!
        order[j] = swapped
      }
      return order
    },
    fork: name => createRng(seed, `${path}/${name}`),
    state: () => source.getState(),
    restore(state) {
      source = xoroshiro128plusFromState(state)
    },
  }
}

/** 32 bits from a seed and a name (FNV-1a over the characters), so that streams do not depend on the order of creation. */
function hash(text: string): number {
  let bits = 0x811c9dc5
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193)
  return bits
}

/**
 * Four words of state from 32 bits, by a counter through the finalizer of MurmurHash3 (as SplitMix does). xoroshiro's first numbers are
 * a sum of its state: seeded with neighbouring bits alone, neighbouring seeds would begin alike.
 */
function spread(bits: number): number[] {
  return [1, 2, 3, 4].map(count => {
    let word = (bits + Math.imul(count, 0x9e3779b9)) | 0
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
    return word ^ (word >>> 16)
  })
}
