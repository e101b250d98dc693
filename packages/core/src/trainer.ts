import * as tf from '@tensorflow/tfjs'
import { createBreath } from './breath.js'
import type { Events, Fit, Params, StepEvent, Trainer } from './contracts.js'
import { Interrupted, LgmError } from './errors.js'
import { checkFinite } from './finite.js'
import type { Journal } from './journal.js'
import { applyGradients, initSlots, type Slots } from './optimizers.js'
import { disposeParams } from './params.js'

/** Losses are read from the engine once per this many steps: a read stops an asynchronous engine. */
const window = 20

/** The loss terms of one step, and the shares of the gradient where they were measured. */
interface Noted {
  readonly step: number
  readonly terms: Record<string, tf.Scalar>
  readonly shares: Record<string, tf.Scalar>
}

/**
 * The only loop over training steps. Each step: upload a batch, differentiate the named loss terms (their sum is minimized), add
 * the gradients of the penalties, project in the order given, update. Parameters and slots are values; the step before is disposed.
 *
 * Losses are checked in groups of steps, parameters at the end, and before they are saved.
 *
 * @throws LgmError `not-finite` naming fit, step and term, or parameter, when one is NaN or infinite; Interrupted when `signal` is aborted.
 */
export function createTrainer(events: Events, signal?: AbortSignal, journal?: Journal): Trainer {
  return {
    async fit(fit) {
      const log = journal?.open(fit)
      const found = await log?.goOn(event => tell(fit, event, events))
      let params = found?.params ?? fit.params
      if (found && !found.slots) return params
      let slots = found?.slots ?? initSlots(fit.optimizer, params)
      const pending: Noted[] = []
      const breathe = createBreath()
      try {
        for (let step = found?.step ?? 0; step < fit.iterations; step++) {
          await fit.watch?.(params, step)
          const batch = await fit.batch()
          const last = pending.length === window - 1 || step === fit.iterations - 1
          const next = takeStep(fit, params, slots, batch, step, last)
          for (const tensor of Object.values(batch)) tensor.dispose()
          release(params, slots, next.params, next.slots, fit.params)
          params = next.params
          slots = next.slots
          pending.push({ step, terms: next.terms, shares: next.shares })
          if (last) {
            const event = await report(fit, pending.splice(0))
            log?.note(event)
            if (step < fit.iterations - 1) await log?.pause(step + 1, params, slots, signal?.aborted === true)
            tell(fit, event, events)
          }
          await breathe()
          // with a log, not before the steps of an event are whole and saved
          if (signal?.aborted && (last || !log)) throw new Interrupted()
        }
        await checkFinite(fit, params, fit.iterations)
        await fit.watch?.(params, fit.iterations)
        await log?.finish(params)
        return params
      } catch (error) {
        disposeParams(params, fit.params)
        throw error
      } finally {
        disposeParams(slots.first)
        disposeParams(slots.second)
        for (const { terms, shares } of pending) disposeParams({ ...terms, ...shares })
      }
    },
  }
}

interface Step {
  readonly params: Params
  readonly slots: Slots
  readonly terms: Record<string, tf.Scalar>
  readonly shares: Record<string, tf.Scalar>
}

function takeStep(
  fit: Fit,
  params: Params,
  slots: Slots,
  batch: Readonly<Record<string, tf.Tensor>>,
  step: number,
  sharesWanted: boolean,
): Step {
  const keep = <Group extends Params>(group: Group): Group => {
    for (const tensor of Object.values(group)) tf.keep(tensor)
    return group
  }
  return tf.tidy(() => {
    const loss = differentiate(params, () => fit.loss(params, batch))
    const terms = { ...loss.terms }
    const shares: Record<string, tf.Scalar> = {}
    let gradients = loss.gradients
    for (const [name, penalty] of Object.entries(fit.penalties ?? {})) {
      const pull = differentiate(params, () => ({ [name]: penalty(params, batch) }))
      Object.assign(terms, pull.terms)
      if (sharesWanted) shares[name] = share(pull.gradients, loss.gradients)
      gradients = addParams(gradients, pull.gradients)
    }
    for (const [name, project] of Object.entries(fit.projections ?? {})) {
      const projected = project(gradients, params)
      // one that has a penalty too goes by two names
      const key = name in shares ? `${name}/projection` : name
      if (sharesWanted) shares[key] = share(difference(projected, gradients), gradients)
      gradients = projected
    }
    const spent = spentBy(fit, params, slots)
    const next = applyGradients(fit.optimizer, params, gradients, slots, step, fit.iterations, spent)
    fit.track?.({ before: params, gradients: loss.gradients, after: next.params })
    return {
      params: keep(next.params),
      slots: { first: keep(next.slots.first), second: keep(next.slots.second) },
      terms,
      shares: keep(shares),
    }
  })
}

/** ‖part‖ / (‖rest‖ + ‖part‖), over the parameters that `part` reaches; 0 where both are. */
function share(part: Params, rest: Params): tf.Scalar {
  const names = Object.keys(part)
  const size = norm(names.map(name => part[name]!))
  const other = norm(names.flatMap(name => rest[name] ?? []))
  return tf.divNoNan(size, size.add(other)) as tf.Scalar
}

function norm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) return tf.scalar(0)
  return tf.addN(tensors.map(tensor => tensor.square().sum())).sqrt() as tf.Scalar
}

function difference(a: Params, b: Params): Params {
  return Object.fromEntries(
    Object.entries(a).map(([name, tensor]) => [name, b[name] ? tensor.sub(b[name]) : tensor] as const),
  )
}

/** What is not read again after the update of this step: the slots and, where nobody tracks updates, the parameters made by the last. */
function spentBy(fit: Fit, params: Params, slots: Slots): ReadonlySet<tf.Tensor> {
  const given = new Set(Object.values(fit.params))
  const made = fit.track ? [] : Object.values(params).filter(tensor => !given.has(tensor))
  return new Set([...made, ...Object.values(slots.first), ...Object.values(slots.second)])
}

/** Gradients of the sum of named scalar terms; parameters that no term depends on have none. The terms are kept for the caller. */
export function differentiate(
  params: Params,
  compute: () => Readonly<Record<string, tf.Scalar>>,
): { terms: Record<string, tf.Scalar>; gradients: Params } {
  const names = Object.keys(params)
  let terms: Record<string, tf.Scalar> = {}
  const sum = () => {
    terms = { ...compute() }
    const values = Object.values(terms)
    for (const term of values) tf.keep(term)
    return values.length === 0
      ? tf.scalar(0)
      : values.length === 1
        ? values[0]!.clone()
        : (tf.addN(values) as tf.Scalar)
  }
  if (names.length === 0) {
    tf.tidy(sum).dispose()
    return { terms, gradients: {} }
  }
  const { grads } = tf.engine().gradients(sum, Object.values(params), undefined as never, true)
  const gradients: Record<string, tf.Tensor> = {}
  names.forEach((name, i) => {
    if (grads[i]) gradients[name] = grads[i]
  })
  return { terms, gradients }
}

/** The sum of two gradients, where a missing entry is zero. */
function addParams(a: Params, b: Params): Params {
  const sum: Record<string, tf.Tensor> = { ...a }
  for (const [name, tensor] of Object.entries(b)) sum[name] = sum[name] ? sum[name].add(tensor) : tensor
  return sum
}

function release(params: Params, slots: Slots, nextParams: Params, nextSlots: Slots, owned: Params): void {
  disposeParams(params, nextParams, owned)
  disposeParams(slots.first, nextSlots.first)
  disposeParams(slots.second, nextSlots.second)
}

function tell(fit: Fit, event: StepEvent, events: Events): void {
  fit.notice?.(event)
  events.emit(event)
}

/** What is told of a group of steps. */
async function report(fit: Fit, steps: readonly Noted[]): Promise<StepEvent> {
  const names = Object.keys(steps[0]!.terms)
  const { step, shares } = steps.at(-1)!
  const stacked = tf.tidy(() =>
    tf.stack([...steps.flatMap(({ terms }) => names.map(name => terms[name]!)), ...Object.values(shares)]),
  )
  const values = await stacked.data()
  stacked.dispose()
  for (const { terms } of steps) disposeParams(terms)
  disposeParams(shares)
  const means = Object.fromEntries(names.map(name => [name, 0]))
  steps.forEach(({ step }, row) => {
    names.forEach((name, column) => {
      const value = values[row * names.length + column]!
      if (!Number.isFinite(value))
        throw new LgmError(
          'not-finite',
          `${fit.name}: expected finite losses, got ${value} in the term "${name}" at step ${step + 1} of ${fit.iterations}; likely too high a rate (now ${fit.optimizer.rate}) or too large a weight of that term: lower it`,
        )
      means[name]! += value / steps.length
    })
  })
  return {
    type: 'step',
    fit: fit.name,
    step: step + 1,
    of: fit.iterations,
    terms: means,
    shares: Object.fromEntries(Object.keys(shares).map((name, i) => [name, values[steps.length * names.length + i]!])),
  }
}
