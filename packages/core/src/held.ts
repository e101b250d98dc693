import * as tf from '@tensorflow/tfjs'
import type { Params } from './contracts.js'
import { expected } from './errors.js'

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
