import * as tf from '@tensorflow/tfjs'
import type { Params, TaskState } from './contracts.js'
import { expected } from './errors.js'

/**
 * Checks what a regularizer needs that gives each task a part of the embedder: that the task is told at prediction, and that every
 * number of the head belongs to one class, along the last axis, so that no task changes the head of another.
 * @throws LgmError `composition` in the name of `where` for another scenario, or a head with layers that classes share.
 */
export function requireTaskHeads(where: string, { model, seen }: TaskState): void {
  if (seen.scenario !== 'task')
    throw expected(where, 'the scenario task', seen.scenario, 'it must be told the task to predict', 'composition')
  const shared = Object.entries(model.head).find(([, { shape }]) => shape.at(-1) !== seen.names.length)
  if (shared)
    throw expected(
      where,
      'a head in which each number belongs to a class',
      `head/${shared[0]} of shape [${shared[1].shape.join(', ')}]`,
      'use the head linear, and put layers that classes share into the embedder',
      'composition',
    )
}

/**
 * Checks that training has left alone what it may not change: the numbers whose share in `free()` is 0, by name, of the parameters'
 * shape or broadcast to it. Whatever follows a projection can move them, such as weight decay or another projection.
 * @throws LgmError `composition` in the name of `where` when one has moved.
 */
export async function checkHeld(where: string, before: Params, after: Params, free: () => Params): Promise<void> {
  const most = tf.tidy(() => {
    const changes = Object.entries(free()).map(([name, share]) => {
      const [now, then] = [after[name], before[name]]
      if (!now || !then) return tf.scalar(0)
      const change = now.sub(then).abs()
      return tf.where(share.equal(0).broadcastTo(change.shape), change, tf.zerosLike(change)).max()
    })
    return tf.stack([tf.scalar(0), ...changes]).max()
  })
  const [moved] = await most.data()
  most.dispose()
  if (moved! > 0)
    throw expected(
      where,
      'what earlier tasks use to stay as it is',
      `a change of ${moved}`,
      'train without weight decay, with regularize: true, and list other regularizers that project before it',
      'composition',
    )
}
