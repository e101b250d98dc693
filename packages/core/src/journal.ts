import * as tf from '@tensorflow/tfjs'
import type { Fit, Params, StepEvent } from './contracts.js'
import { expected } from './errors.js'
import { checkFinite } from './finite.js'
import type { Slots } from './optimizers.js'
import { disposeParams, flatten, subset } from './params.js'
import { type NamedArray, tensorsOf } from './safetensors.js'
import { encodeRecord, type FitRecord, recordFile, type TaskRecord } from './task-record.js'

/** Keeps how far a task has come while it is learned, and knows how far it had come before. */
export interface Underway {
  /** Whether it is time to save; asked after each group of 20 steps. */
  due(): boolean
  /** Saves all files, or none. */
  save(files: ReadonlyMap<string, Uint8Array>): Promise<void>
  /** Where to go on, if it is of the task that is learned. */
  readonly found?: TaskRecord
}

/** Where a fit goes on; the tensors belong to the caller. A fit that is finished has no slots. */
export interface Continuation {
  readonly step: number
  readonly params: Params
  readonly slots: Slots | undefined
}

/** The fits of the task underway. */
export class Journal {
  #underway: Underway | undefined
  #task = 0
  #fits: FitRecord[] = []
  #opened = 0
  #skipped = 0
  #earlier = 0

  /** Begins a task; without `underway` nothing is kept. */
  begin(task: number, underway: Underway | undefined): void {
    this.#underway = underway
    this.#task = task
    this.#fits = underway?.found?.task === task ? [...underway.found.fits] : []
    this.#opened = this.#skipped = this.#earlier = 0
  }

  /** The log of the next fit; none where nothing is kept. */
  open(fit: Fit): FitLog | undefined {
    const underway = this.#underway
    if (!underway) return undefined
    const index = this.#opened++
    const found = this.#fits[index]
    this.#skipped += found?.seconds ?? 0
    this.#earlier += found?.seconds ?? 0
    return new FitLog(fit, found, underway, async (record, write) => {
      this.#fits = [...this.#fits.slice(0, index), record]
      if (write) await underway.save(encodeRecord({ task: this.#task, fits: this.#fits }))
    })
  }

  /** Seconds that fits of the task took in earlier processes. */
  get earlier(): number {
    return this.#earlier
  }

  /** The same, of fits since this was asked last. */
  takeSkipped(): number {
    const seconds = this.#skipped
    this.#skipped = 0
    return seconds
  }
}

/** How far one fit has come. */
export class FitLog {
  readonly #fit: Fit
  readonly #found: FitRecord | undefined
  readonly #underway: Underway
  readonly #keep: (record: FitRecord, write: boolean) => Promise<void>
  readonly #events: StepEvent[] = []
  readonly #begun = performance.now()

  constructor(
    fit: Fit,
    found: FitRecord | undefined,
    underway: Underway,
    keep: (record: FitRecord, write: boolean) => Promise<void>,
  ) {
    this.#fit = fit
    this.#found = found
    this.#underway = underway
    this.#keep = keep
  }

  /**
   * Brings the fit to where an earlier process left it: batches are passed over, what was told of the steps is told again.
   * @throws LgmError `checkpoint` when that was another fit.
   */
  async goOn(tell: (event: StepEvent) => void): Promise<Continuation | undefined> {
    const found = this.#found
    if (!found) return undefined
    const fit = this.#fit
    this.#check(found)
    if (fit.pass) await fit.pass(found.step)
    else for (let step = 0; step < found.step; step++) tf.dispose(Object.values(await fit.batch()))
    for (const event of found.events) {
      this.#events.push(event)
      tell(event)
    }
    const tensors = tensorsOf(found.arrays)
    const params = subset(tensors, 'params')
    const carried = subset(tensors, 'carried')
    fit.carried?.restore({ tensors: carried, values: found.values }, params)
    disposeParams(carried)
    const finished = found.step === fit.iterations
    return {
      step: found.step,
      params,
      slots: finished ? undefined : { first: subset(tensors, 'first'), second: subset(tensors, 'second') },
    }
  }

  /** Notes what was told of the last steps. */
  note(event: StepEvent): void {
    this.#events.push(event)
  }

  /** Saves a fit that goes on, if it is time. @throws LgmError `not-finite` in the place of saving what none can go on from. */
  async pause(step: number, params: Params, slots: Slots, now: boolean): Promise<void> {
    if (this.#underway.due() || now) await this.#save(step, { params, ...slots }, true)
  }

  /** Notes that the fit is finished; it is saved with what comes after it. */
  async finish(params: Params): Promise<void> {
    if (this.#found?.step === this.#fit.iterations) return
    await this.#save(this.#fit.iterations, { params }, this.#underway.due())
  }

  async #save(step: number, parts: Readonly<Record<string, Params>>, write: boolean): Promise<void> {
    const { name, iterations, carried } = this.#fit
    const { tensors, values } = carried?.state() ?? { tensors: {}, values: {} }
    const arrays = await this.#arraysOf(step, { ...parts, carried: tensors }, write).finally(() =>
      disposeParams(tensors),
    )
    const seconds = (this.#found?.seconds ?? 0) + (performance.now() - this.#begun) / 1000
    await this.#keep({ name, step, of: iterations, seconds, events: [...this.#events], values, arrays }, write)
  }

  /** All numbers of a fit; those to be written are checked first, but for the slots. */
  async #arraysOf(step: number, parts: Readonly<Record<string, Params>>, write: boolean) {
    const { params = {}, carried = {} } = parts
    if (write) await checkFinite(this.#fit, flatten({ params, carried }), step)
    return arraysOf(flatten(parts))
  }

  #check({ name, of, arrays }: FitRecord): void {
    const { params, iterations } = this.#fit
    const shapes = (given: Readonly<Record<string, { readonly shape: readonly number[] }>>) =>
      Object.entries(given)
        .map(([name, { shape }]) => `${name} [${shape.join(', ')}]`)
        .join(', ')
    const got = subsetOf(arrays, 'params/')
    if (name === this.#fit.name && of === iterations && shapes(got) === shapes(params)) return
    throw expected(
      recordFile,
      `the fit ${this.#fit.name} of ${iterations} steps and its parameters`,
      `${name} of ${of} steps`,
      'begin the task again',
      'checkpoint',
    )
  }
}

function subsetOf<Value>(values: Readonly<Record<string, Value>>, prefix: string): Record<string, Value> {
  const own = Object.entries(values).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]))
}

async function arraysOf(params: Params): Promise<Record<string, NamedArray>> {
  const arrays: Record<string, NamedArray> = {}
  for (const [name, tensor] of Object.entries(params))
    arrays[name] = { shape: tensor.shape, values: await tensor.data() }
  return arrays
}
