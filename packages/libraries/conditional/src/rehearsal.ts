import { z } from '@lgm/core'
import type { Memorized } from './memory.js'

/** Options of training one network on new codes and recalled ones, to be spread into a plugin's own. */
export const rehearsalOptions = {
  replayWeight: z
    .union([z.literal('tasks'), z.number().min(0).max(1)])
    .default('tasks')
    .describe('weight of recall against new data: 1 − 1/N over N tasks so far, or a number'),
  iterations: z.int().positive().default(2000).describe('training steps per task'),
  batchSize: z.int().positive().default(128).describe('new codes per step'),
  replaySize: z.int().positive().default(128).describe('recalled codes per step'),
}

/** The weight of recall as a number, in the task that follows those memorized. */
export function replayWeightOf(weight: 'tasks' | number, { tasks }: Memorized): number {
  return weight === 'tasks' ? 1 - 1 / (tasks + 1) : weight
}
