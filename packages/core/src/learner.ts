import * as tf from '@tensorflow/tfjs'
import { createBreath } from './breath.js'
import { readCheckpoint, type Store, writeCheckpoint } from './checkpoint.js'
import { type Composition, compose, nameOf } from './container.js'
import {
  type Answers,
  Backend,
  Dataset,
  Decoder,
  Embedder,
  type EngineFacts,
  Evaluator,
  type Events,
  type Examples,
  Generator,
  Head,
  type Kept,
  type Model,
  Observer,
  type Params,
  Phase,
  Regularizer,
  type SeenClasses,
  type Stateful,
  Stream,
  type Task,
  type TaskState,
} from './contracts.js'
import { expected, Interrupted, LgmError, show } from './errors.js'
import { arrayExamples, range, sizeOf, upload } from './examples.js'
import { Journal, type Underway } from './journal.js'
import { checkLoaded } from './loaded.js'
import { flatten, unflatten, viewParams } from './params.js'
import { consolidate } from './phases/consolidate.js'
import { decode } from './phases/decode.js'
import { learn } from './phases/learn.js'
import { memorize } from './phases/memorize.js'
import { migrate } from './phases/migrate.js'
import { recall, samplePool } from './phases/recall.js'
import type { Plugin, PluginFactory, Point } from './point.js'
import { availableReadouts, type Readout, readScores } from './readouts.js'
import { createRng } from './rng.js'
import { addClasses, noClasses } from './seen.js'
import { createTrainer } from './trainer.js'

/** The phases that core brings along. */
export const corePlugins: readonly PluginFactory[] = [recall, learn, migrate, decode, memorize, consolidate]

/** Every point of core that takes plugins. */
export const corePoints: readonly Point<unknown>[] = [
  Dataset,
  Stream,
  Embedder,
  Head,
  Decoder,
  Generator,
  Regularizer,
  Phase,
  Evaluator,
  Observer,
  Backend,
]

/** What a learner is made with, beside its plugins. */
export interface LearnerSettings {
  /** Seed of all randomness; the same seed, engine and threads give the same bits. Default 0. */
  readonly seed?: number
  /** How `predict` answers. Default `head`. */
  readonly readout?: Readout
  /** T of the ensemble read-out. Default 4. */
  readonly temperature?: number
  /** Stops the run when aborted. */
  readonly signal?: AbortSignal
}

/** Your own labelled examples: `x` row-major `[labels.length, ...shape]`. */
export interface LabelledArrays {
  readonly x: Float32Array | Uint8Array
  readonly shape: readonly number[]
  readonly labels: readonly (string | number)[]
}

/** Class names, scores `[n, classes]` in nats up to a constant per row, and the best class of each row. */
export interface Prediction {
  readonly labels: readonly string[]
  readonly classes: readonly string[]
  readonly scores: Float32Array
}

/** A classifier that keeps learning: tasks one after another, without keeping their data. */
export interface Learner {
  readonly engine: EngineFacts
  readonly settings: Required<Omit<LearnerSettings, 'signal'>>
  readonly parts: Composition
  readonly events: Events
  readonly readouts: readonly Readout[]
  /** The classes met so far. */
  readonly seen: SeenClasses
  /** How many tasks were learned. */
  readonly tasks: number
  /** Runs the phases on one task; returns the seconds of each phase. If it throws, the learner is as it was, but for plugins that had already taken the task in. With `underway` it keeps how far it has come, and goes on from there. */
  learn(
    task: Task | LabelledArrays,
    settings?: { readonly underway?: Underway | undefined },
  ): Promise<{
    readonly state: TaskState
    readonly seconds: Readonly<Record<string, number>>
    /** Seconds of them that earlier processes took. */
    readonly earlier: number
  }>
  /** Classifies examples `[n, ...shape]`, given as one array, a tensor or `Examples`. */
  predict(
    x: Float32Array | Uint8Array | tf.Tensor | Examples,
    options?: { readonly readout?: Readout; readonly task?: number },
  ): Promise<Prediction>
  /** Samples of the generator: `perClass` codes of every seen class. */
  recall(perClass: number): Promise<Examples>
  /** Scores of all read-outs on a task's test set. */
  answers(task: Task): Promise<Answers>
  /** What is kept between tasks, by owner; evaluators do not count, whose memory is that of instruments. */
  kept(): Readonly<Record<string, Kept>>
  save(store: Store): Promise<void>
  /**
   * Takes up what `save` wrote, into a learner of the same plugins and options. If it throws, the learner is as it was.
   * @throws LgmError `checkpoint` when a file is damaged, of an unknown version, or does not fit the plugins.
   */
  load(store: Store): Promise<void>
  dispose(): Promise<void>
}

/**
 * Composes plugins into a learner, after checking that they fit together, and starts the engine. Phases, if none are given, are
 * recall, learn, decode, memorize, consolidate, each where there is something for it to do.
 *
 * @throws LgmError `composition` or `options`, before any data is touched.
 * @example
 * const learner = await createLearner([mlp(), linear(), ewc({ strength: 100 })], { seed: 1 })
 * await learner.learn({ x, shape: [784], labels })
 * const { labels } = await learner.predict(x)
 */
export async function createLearner(plugins: readonly Plugin[], settings: LearnerSettings = {}): Promise<Learner> {
  const seed = settings.seed ?? 0
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw expected(
      'createLearner',
      'a seed that is a whole number from 0',
      show(seed),
      'choose another seed',
      'options',
    )
  const temperature = settings.temperature ?? 4
  if (!(temperature > 0))
    throw expected('createLearner', 'a temperature above 0', show(temperature), 'the default is 4', 'options')
  const listeners: Observer[] = []
  const events: Events = {
    emit: event => {
      for (const listener of listeners) listener.notice(event)
      if (settings.signal?.aborted && event.type !== 'run-failed') throw new Interrupted()
    },
  }
  const complete = withPhases(plugins)
  const journal = new Journal()
  const services = { rng: createRng(seed), trainer: createTrainer(events, settings.signal, journal), events }
  const parts = compose(complete, [Embedder, Head], corePoints, services)
  listeners.push(...parts.all(Observer))
  const readouts = availableReadouts(parts.one(Generator))
  const readout = settings.readout ?? 'head'
  if (!readouts.includes(readout))
    throw expected(
      'createLearner',
      `a read-out among ${readouts.join(', ')}`,
      readout,
      'a generator with a density is needed for bayes and ensemble',
      'composition',
    )
  const backend = parts.one(Backend)
  const engine = backend ? await backend.start() : await currentEngine()
  return new LgmLearner(parts, events, engine, { seed, readout, temperature }, readouts, journal)
}

async function currentEngine(): Promise<EngineFacts> {
  await tf.ready()
  return { name: tf.getBackend(), version: tf.version.tfjs, threads: 1, note: 'no backend plugin was given' }
}

/** The plugins, with the default phases where there are none; checks that every part is called by some phase. */
function withPhases(plugins: readonly Plugin[]): readonly Plugin[] {
  const has = (point: Point<unknown>) => plugins.some(plugin => plugin.definition.point.token === point.token)
  const phases = plugins.filter(plugin => plugin.definition.point.token === Phase.token)
  if (phases.length === 0)
    return [
      ...plugins,
      ...(has(Generator) ? [recall()] : []),
      learn(),
      ...(has(Decoder) ? [decode()] : []),
      ...(has(Generator) ? [memorize()] : []),
      ...(has(Regularizer) ? [consolidate()] : []),
    ]
  const lists = (factory: PluginFactory) => phases.some(phase => phase.definition.name === factory.definition.name)
  const callers = phases
    .filter(phase => !corePlugins.some(core => core.definition === phase.definition))
    .flatMap(phase => phase.definition.calls ?? [])
  const unused = (point: Point<unknown>, needed: readonly PluginFactory[]) => {
    if (!has(point) || callers.some(called => called.token === point.token)) return
    const missing = needed.find(factory => !lists(factory))
    if (missing)
      throw expected(
        'phases',
        `"${missing.definition.name}", since there is a ${point.name}`,
        phases.map(phase => phase.definition.name).join(', '),
        `add the phase, or remove the ${point.name}`,
        'composition',
      )
  }
  unused(Generator, [memorize])
  unused(Regularizer, [learn, consolidate])
  return plugins
}

class LgmLearner implements Learner {
  readonly #embedder: Embedder
  readonly #head: Head
  readonly #decoder: Decoder | undefined
  readonly #generator: Generator | undefined
  readonly #journal: Journal
  #model: Model | undefined
  #exampleShape: readonly number[] = []
  #seen: SeenClasses
  #tasks = 0
  #busy = false
  #disposed = false

  constructor(
    readonly parts: Composition,
    readonly events: Events,
    readonly engine: EngineFacts,
    readonly settings: Required<Omit<LearnerSettings, 'signal'>>,
    readonly readouts: readonly Readout[],
    journal: Journal,
  ) {
    this.#journal = journal
    this.#embedder = parts.one(Embedder)!
    this.#head = parts.one(Head)!
    this.#decoder = parts.one(Decoder)
    this.#generator = parts.one(Generator)
    this.#seen = noClasses(parts.one(Stream)?.scenario ?? 'class')
  }

  get seen(): SeenClasses {
    return this.#seen
  }

  get tasks(): number {
    return this.#tasks
  }

  async learn(given: Task | LabelledArrays, { underway }: { readonly underway?: Underway | undefined } = {}) {
    return this.#alone('learn', async () => {
      checkTask(given)
      this.#journal.begin(this.#tasks, underway)
      const task = 'train' in given ? given : taskOf(given, this.#seen, this.#tasks)
      this.#checkShape(task.train, `task "${task.name}"`)
      const seen = addClasses(this.#seen, task)
      const previous = this.#model
      const first: TaskState = {
        task,
        seen,
        before: this.#seen,
        model: this.#grown(task.train.shape, seen),
        ...(previous && { previous }),
      }
      const seconds: Record<string, number> = {}
      const state = await this.#runPhases(first, seconds)
      if (previous) release(previous, state.model)
      this.#model = state.model
      this.#seen = seen
      this.#tasks += 1
      this.#exampleShape = task.train.shape
      return { state, seconds, earlier: this.#journal.earlier }
    })
  }

  /** The model with room for all seen classes. Unchanged parts are the same tensors. */
  #grown(exampleShape: readonly number[], seen: SeenClasses): Model {
    const rng = createRng(this.settings.seed, `/init-${this.#tasks}`)
    return tf.tidy(() => {
      const model = this.#model
        ? { ...this.#model, head: this.#head.grow(this.#model.head, seen.names.length, rng.fork('head')) }
        : this.#initial(exampleShape, seen.names.length, rng)
      for (const tensor of Object.values(flatten(model))) tf.keep(tensor)
      return model as Model & tf.TensorContainer
    }) as Model
  }

  #initial(exampleShape: readonly number[], classes: number, rng: ReturnType<typeof createRng>): Model {
    const codeShape = this.#embedder.codeShape(exampleShape)
    const model: Model = {
      embedder: this.#embedder.init(exampleShape, rng.fork('embedder')),
      head: this.#head.init(codeShape, classes, rng.fork('head')),
      decoder: this.#decoder?.init(codeShape, exampleShape, rng.fork('decoder')) ?? {},
    }
    const u = this.#embedder.embed(model.embedder, tf.zeros([1, ...exampleShape]))
    checkFits(nameOf(this.#embedder), 'codes', u, codeShape)
    checkFits(nameOf(this.#head), 'logits', this.#head.classify(model.head, u), [classes])
    if (this.#decoder)
      checkFits(nameOf(this.#decoder), 'examples', this.#decoder.decode(model.decoder, u), exampleShape)
    return model
  }

  async #runPhases(first: TaskState, seconds: Record<string, number>): Promise<TaskState> {
    const { task, previous } = first
    const names = task.classes.map(id => first.seen.names[id]!)
    let state = first
    try {
      this.events.emit({ type: 'task-start', task: task.index, name: task.name, classes: names })
      for (const phase of this.parts.all(Phase)) {
        const name = nameOf(phase).replace('phase/', '')
        this.events.emit({ type: 'phase-start', task: task.index, phase: name })
        const start = performance.now()
        const next = await phase.run(state)
        release(state.model, next.model, ...(previous ? [previous] : []))
        state = next
        seconds[name] = (performance.now() - start) / 1000 + this.#journal.takeSkipped()
        this.events.emit({ type: 'phase-end', task: task.index, phase: name, seconds: seconds[name] })
      }
    } catch (error) {
      release(state.model, ...(previous ? [previous] : []))
      throw error
    }
    return state
  }

  async predict(
    x: Float32Array | Uint8Array | tf.Tensor | Examples,
    options: { readonly readout?: Readout; readonly task?: number } = {},
  ): Promise<Prediction> {
    return this.#alone('predict', async () => {
      const readout = options.readout ?? this.settings.readout
      if (!this.readouts.includes(readout))
        throw expected('predict', `a read-out among ${this.readouts.join(', ')}`, show(readout), 'choose one of them')
      const examples = await this.#examplesOf(x)
      this.#checkTaskIndex(options.task)
      const scores = (await this.#scores(examples, [readout], options.task))[readout]!
      const classes = this.#seen.names
      const labels = Array.from(
        { length: examples.count },
        (_, i) => classes[best(scores, i * classes.length, classes.length)]!,
      )
      return { labels, classes, scores }
    })
  }

  async #examplesOf(x: Float32Array | Uint8Array | tf.Tensor | Examples): Promise<Examples> {
    this.#trained('predict')
    const shape = this.#exampleShape
    if (x instanceof tf.Tensor) {
      checkTensor(x)
      if (x.shape.slice(1).join() !== shape.join())
        throw expected('predict', `a tensor [n, ${shape.join(', ')}]`, `[${x.shape.join(', ')}]`, 'reshape it')
      return arrayExamples(Float32Array.from(await x.data()), shape, new Int32Array(x.shape[0]!), 'predict')
    }
    if (isExamples(x)) {
      this.#checkShape(x, 'predict')
      return x
    }
    if (!(x instanceof Float32Array || x instanceof Uint8Array))
      throw expected('predict', 'a Float32Array, a Uint8Array, a tensor or Examples', kindOf(x), 'convert it')
    if (x.length % sizeOf(shape) !== 0)
      throw expected(
        'predict',
        `a multiple of ${sizeOf(shape)} numbers (examples of shape [${shape.join(', ')}])`,
        `${x.length}`,
        'pass whole examples',
      )
    return arrayExamples(x, shape, new Int32Array(x.length / sizeOf(shape)), 'predict')
  }

  async #scores(
    examples: Examples,
    readouts: readonly Readout[],
    task?: number,
  ): Promise<Record<string, Float32Array>> {
    const classes = this.#seen.names.length
    const all = Object.fromEntries(readouts.map(readout => [readout, new Float32Array(examples.count * classes)]))
    const reader = {
      embedder: this.#embedder,
      head: this.#head,
      generator: this.#generator,
      temperature: this.settings.temperature,
    }
    const size = 1000
    const breathe = createBreath()
    for (let from = 0; from < examples.count; from += size) {
      const x = await upload(examples, range(from, Math.min(from + size, examples.count)))
      const scores = tf.tidy(() => readScores(reader, this.#viewed(task), x, this.#seen, readouts, task))
      x.dispose()
      for (const readout of readouts) {
        all[readout]!.set((await scores[readout]!.data()) as Float32Array, from * classes)
        scores[readout]!.dispose()
      }
      await breathe()
    }
    return all
  }

  /** The model as it is used for a task: through the views of the regularizers. */
  #viewed(task: number | undefined): Model {
    const model = this.#trained('predict')
    const regularizers = this.parts.all(Regularizer).filter(({ view }) => view)
    if (regularizers.length === 0 || task === undefined) return model
    return unflatten(viewParams(regularizers, flatten(model), task))
  }

  async answers(task: Task): Promise<Answers> {
    this.#living('answers')
    const scores = await this.#scores(task.test, this.readouts, task.index)
    return { task: task.index, labels: task.test.labels, classes: this.#seen.names.length, scores }
  }

  async recall(perClass: number): Promise<Examples> {
    return this.#alone('recall', async () => {
      this.#trained('recall')
      if (!Number.isSafeInteger(perClass) || perClass < 1)
        throw expected('recall', 'a number of samples per class from 1', show(perClass), 'correct it')
      if (!this.#generator) throw expected('recall', 'a generator', 'none', 'add one to the plugins', 'composition')
      return samplePool(this.#generator, this.#seen.names.length, perClass, this.events)
    })
  }

  kept(): Readonly<Record<string, Kept>> {
    this.#living('kept')
    const owners: Record<string, Kept> = {}
    for (const [name, params] of Object.entries(this.#model ?? {})) {
      const kept = weigh(params as Params)
      if (kept.numbers > 0) owners[name] = kept
    }
    const evaluators = new Set<unknown>(this.parts.all(Evaluator))
    for (const [name, part] of this.#stateful()) {
      if (evaluators.has(part)) continue
      const { tensors } = part.state()
      const kept = weigh(tensors)
      for (const tensor of Object.values(tensors)) tensor.dispose()
      if (kept.numbers > 0) owners[name] = kept
    }
    return owners
  }

  #stateful(): ReadonlyMap<string, Stateful> {
    return new Map([...this.parts.parts].filter((entry): entry is [string, Stateful] => isStateful(entry[1])))
  }

  async save(store: Store): Promise<void> {
    return this.#alone('save', async () => {
      const model = this.#trained('save')
      const snapshot = {
        seed: this.settings.seed,
        tasks: this.#tasks,
        exampleShape: this.#exampleShape,
        seen: this.#seen,
        model,
      }
      await writeCheckpoint(store, snapshot, this.#stateful(), this.parts.rngs)
    })
  }

  async load(store: Store): Promise<void> {
    return this.#alone('load', async () => {
      const snapshot = await readCheckpoint(store, this.#stateful(), this.parts.rngs, found =>
        checkLoaded(this.parts, found),
      )
      if (this.#model) release(this.#model)
      this.#model = snapshot.model
      this.#seen = snapshot.seen
      this.#tasks = snapshot.tasks
      this.#exampleShape = snapshot.exampleShape
    })
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#idle('dispose')
    this.#disposed = true
    if (this.#model) release(this.#model)
    for (const part of this.#stateful().values()) part.dispose?.()
    for (const observer of this.parts.all(Observer)) await observer.close?.()
  }

  #trained(verb: string): Model {
    if (!this.#model)
      throw expected(verb, 'a learner that has learned a task', 'a new one', 'call learn or load first', 'untrained')
    return this.#model
  }

  #checkShape(examples: Examples, where: string): void {
    if (this.#model && examples.shape.join() !== this.#exampleShape.join())
      throw expected(
        where,
        `examples of shape [${this.#exampleShape.join(', ')}], as before`,
        `[${examples.shape.join(', ')}]`,
        'all tasks share one shape',
        'data',
      )
  }

  #checkTaskIndex(task: number | undefined): void {
    if (task === undefined || this.#seen.scenario !== 'task' || this.#seen.taskOf.includes(task)) return
    const known = [...new Set(this.#seen.taskOf)].join(', ')
    throw expected('predict', `the index of a task that was learned (${known})`, show(task), 'name one of them')
  }

  #living(verb: string): void {
    if (this.#disposed)
      throw new LgmError('disposed', `${verb}: expected a living learner, got a disposed one; create another`)
  }

  #idle(verb: string): void {
    if (this.#busy)
      throw new LgmError(
        'busy',
        `${verb}: expected one call at a time, got a second while the first runs; await the first`,
      )
  }

  async #alone<Result>(verb: string, work: () => Promise<Result>): Promise<Result> {
    this.#living(verb)
    this.#idle(verb)
    this.#busy = true
    try {
      return await work()
    } finally {
      this.#busy = false
    }
  }
}

/** Disposes the tensors of a model that stand in none of the others. */
function release(model: Model, ...others: readonly Model[]): void {
  const spared = new Set(others.flatMap(other => Object.values(flatten(other))))
  for (const tensor of Object.values(flatten(model))) if (!spared.has(tensor)) tensor.dispose()
}

function checkFits(name: string, what: string, got: tf.Tensor, shape: readonly number[]): void {
  if (got.shape.slice(1).join() !== shape.join())
    throw expected(
      name,
      `${what} of shape [${shape.join(', ')}]`,
      `[${got.shape.slice(1).join(', ')}]`,
      'choose options so that the shapes of E, C and D fit',
      'composition',
    )
}

function best(scores: Float32Array, from: number, count: number): number {
  let found = 0
  for (let k = 1; k < count; k++) if (scores[from + k]! > scores[from + found]!) found = k
  return found
}

function weigh(params: Params): Kept {
  const tensors = Object.values(params)
  return {
    numbers: tensors.reduce((sum, tensor) => sum + tensor.size, 0),
    bytes: tensors.reduce((sum, tensor) => sum + tensor.size * tf.util.bytesPerElement(tensor.dtype), 0),
  }
}

function isStateful(part: unknown): part is Stateful {
  return (
    typeof (part as Partial<Stateful>)?.state === 'function' &&
    typeof (part as Partial<Stateful>).restore === 'function'
  )
}

/** @throws LgmError `input` for what is neither a task nor labelled arrays, which types do not keep JavaScript from passing. */
function checkTask(given: unknown): void {
  const { train, test, classes, names, x, labels, shape } = (given ?? {}) as Partial<Task & LabelledArrays>
  const whole = isExamples(train) && isExamples(test) && Array.isArray(classes) && Array.isArray(names)
  if (whole || (x !== undefined && Array.isArray(labels) && Array.isArray(shape))) return
  throw expected('learn', 'a task, or { x, shape, labels }', show(given), 'pass one of them')
}

/** @throws LgmError `input` for a tensor that holds no numbers, or nothing any more. */
function checkTensor(x: tf.Tensor): void {
  if (x.isDisposed) throw expected('predict', 'a tensor', 'a disposed one', 'keep it until predict returns')
  if (x.dtype !== 'float32' && x.dtype !== 'int32' && x.dtype !== 'bool')
    throw expected('predict', 'a tensor of numbers (float32, int32 or bool)', x.dtype, 'convert it')
}

function isExamples(value: unknown): value is Examples {
  const { count, shape, labels, read } = (value ?? {}) as Partial<Examples>
  return typeof count === 'number' && Array.isArray(shape) && ArrayBuffer.isView(labels) && typeof read === 'function'
}

function kindOf(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? `a value of ${value.constructor?.name ?? 'no class'}`
    : show(value)
}

/** A task made of your own arrays; labels are mapped to ids in order of appearance. */
function taskOf({ x, shape, labels }: LabelledArrays, seen: SeenClasses, index: number): Task {
  const names = [...seen.names]
  const ids = Int32Array.from(labels, label => {
    if (typeof label !== 'string' && !Number.isFinite(label))
      throw expected('learn', 'labels that are texts or numbers', show(label), 'label every example', 'data')
    const known = names.indexOf(String(label))
    return known >= 0 ? known : names.push(String(label)) - 1
  })
  const classes = [...new Set(ids)].sort((a, b) => a - b)
  const train = arrayExamples(x, shape, ids, 'learn')
  const test = arrayExamples(new Float32Array(0), shape, new Int32Array(0))
  return { index, name: `task ${index + 1}`, classes, names: classes.map(id => names[id]!), train, test }
}
