import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs'
import { type Point, point } from './point.js'

/**
 * Everything a plugin can be, on two screens. A point is at once the interface, the injection token and the arity.
 *
 * Ownership of tensors: what a verb returns belongs to the caller; an argument is never disposed by the callee; who keeps a
 * tensor beyond the call clones it.
 */

/** Named immutable tensors: the parameters of a network, a gradient, an importance. A snapshot is a reference. */
export type Params = Readonly<Record<string, Tensor>>

/** The parameters of E, C and D at one moment; a part without parameters is `{}`. */
export interface Model {
  readonly embedder: Params
  readonly head: Params
  readonly decoder: Params
}

/** What a stateful plugin needs to go on where it stopped: tensors, and values that JSON can hold. */
export interface State {
  readonly tensors: Params
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * Gives and takes its state; `state()` returns clones that belong to the caller, `restore` clones what it keeps.
 *
 * `restore` is given what stands in a file: it throws where that is no state of this plugin with these options, and may then be left in
 * any state from which `restore` of another brings it back. A learner gives back to all its parts what they had, and throws an
 * LgmError `checkpoint`, whatever was thrown; see `checkRestored` and `checkShapes`.
 */
export interface Stateful {
  state(): State
  restore(state: State): void
  /** Frees all tensors it holds. */
  dispose?(): void
}

/**
 * Labelled examples outside the tensor engine; the only shape in which data travels: raw data, codes and recall alike.
 * `read(indices)` returns `indices.length` examples as one row-major array of `shape`; `labels` is `[count] int32`.
 */
export interface Examples {
  readonly count: number
  readonly shape: readonly number[]
  readonly labels: Int32Array
  read(indices: Int32Array): Float32Array | Promise<Float32Array>
}

/** Which labels share one softmax: all seen classes, or the classes of the example's own task. */
export type Scenario = 'class' | 'task' | 'domain'

/** One task of a stream. Labels are class ids in order of appearance; `classes[k]` is the id of its k-th class, `names[k]` its name. */
export interface Task {
  readonly index: number
  readonly name: string
  readonly classes: readonly number[]
  readonly names: readonly string[]
  readonly train: Examples
  readonly validation?: Examples
  readonly test: Examples
}

/** The classes met so far, by id: their names and the task in which each first appeared. */
export interface SeenClasses {
  readonly scenario: Scenario
  readonly names: readonly string[]
  readonly taskOf: readonly number[]
}

/**
 * What flows through the phases of one task, as a value: a phase returns a new one. `recall` holds codes of old classes,
 * `decodedRecall` the examples that D_{t−1} made of them as they were drawn, row for row; `measurements` what phases have to report.
 */
export interface TaskState {
  readonly task: Task
  readonly seen: SeenClasses
  readonly before: SeenClasses
  readonly model: Model
  readonly previous?: Model
  readonly recall?: Examples
  readonly decodedRecall?: Examples
  readonly measurements?: readonly Measurement[]
}

/** Labelled examples, split into train and test, with the names of the raw labels. */
export interface Dataset {
  load(): Promise<{ readonly train: Examples; readonly test: Examples; readonly classes: readonly string[] }>
}
export const Dataset = point<Dataset>('dataset', 'optional')

/** Cuts a data set into tasks and states the scenario. */
export interface Stream {
  readonly scenario: Scenario
  tasks(): Promise<readonly Task[]>
}
export const Stream = point<Stream>('stream', 'optional')

/** E: examples `[n, ...example]` → codes `[n, ...code]`. Pure in its parameters. */
export interface Embedder {
  codeShape(exampleShape: readonly number[]): readonly number[]
  init(exampleShape: readonly number[], rng: Rng): Params
  embed(params: Params, x: Tensor): Tensor
}
export const Embedder = point<Embedder>('embedder', 'one')

/** C: codes `[n, ...code]` → logits `[n, classes]`; grows when new classes arrive, leaving old outputs as they are. */
export interface Head {
  init(codeShape: readonly number[], classes: number, rng: Rng): Params
  grow(params: Params, classes: number, rng: Rng): Params
  classify(params: Params, u: Tensor): Tensor2D
}
export const Head = point<Head>('head', 'one')

/** D: codes `[n, ...code]` → examples `[n, ...example]`. Pure in its parameters. */
export interface Decoder {
  init(codeShape: readonly number[], exampleShape: readonly number[], rng: Rng): Params
  decode(params: Params, u: Tensor): Tensor
}
export const Decoder = point<Decoder>('decoder', 'optional')

/**
 * G: a model of p(u | y) with its own parameters and its own way not to forget.
 * `memorize` takes the current task's codes and its own recall; `sample` returns `[n, ...code]` for `[n]` class ids;
 * `logProbability`, where exact, returns log p(u | y) in nats as `[n, classes]` for classes 0 to `classes` − 1.
 * `measure` tells what the last `memorize` showed; figures are named `generator/<method>/…`.
 */
export interface Generator extends Stateful {
  memorize(fresh: Examples, recall?: Examples): Promise<void>
  sample(labels: Int32Array): Tensor
  logProbability?(u: Tensor, classes: number): Tensor2D
  measure?(): readonly Measurement[]
}
export const Generator = point<Generator>('generator', 'optional')

/** The current data of one training step: examples, or, where the embedder is frozen, their codes (`embedded`), and class ids `[n] int32`. */
export interface Batch {
  readonly x: Tensor
  readonly labels: Tensor1D
  readonly embedded?: boolean
}

/** One update of the parameters, for methods that follow the path of training. Gradients are those of the unregularized loss. */
export interface Update {
  readonly before: Params
  readonly gradients: Params
  readonly after: Params
}

/**
 * Protects parameters. Penalties of several regularizers add; projections and views compose in the order listed.
 * Parameters are named `embedder/…`, `head/…`, `decoder/…` wherever they are flat `Params`.
 *
 * `begin` is called before training on a task, and may return a state whose model has parameters of its own added. `penalty` is in
 * the units of the loss. `project` takes the gradient of loss and penalties. `view` gives the parameters as the network uses them
 * for one task, such as gated or masked ones, in training and in prediction. `measure` tells what the last training showed.
 * `added` gives the shapes, by full name, of the parameters that `begin` has added and that `params`, out of a file, should have.
 */
export interface Regularizer extends Stateful {
  // biome-ignore lint/suspicious/noConfusingVoidType: most have nothing to return
  begin?(state: TaskState): TaskState | void | Promise<TaskState | void>
  penalty?(params: Params, batch: Batch): Scalar
  project?(gradients: Params, params: Params): Params
  track?(update: Update): void
  view?(params: Params, task: number): Params
  measure?(): readonly Measurement[]
  added?(params: Params): Readonly<Record<string, readonly number[]>>
  readonly underway?: Carried
  consolidate(state: TaskState): void | Promise<void>
}
export const Regularizer = point<Regularizer>('regularizer', 'many')

/** One step of the pipeline; phases run in the order listed. */
export interface Phase {
  run(state: TaskState): Promise<TaskState>
}
export const Phase = point<Phase>('phase', 'many')

/** One figure: `value` is a number, or an array whose index is `axis`. */
export interface Measurement {
  readonly name: string
  readonly value: number | readonly (number | null)[]
  readonly unit: string
  readonly axis?: string
  readonly aggregation: string
}

/** The learner's answers on one task's test set: per read-out, scores `[count, classes]` row-major; −∞ outside the softmax. */
export interface Answers {
  readonly task: number
  readonly labels: Int32Array
  readonly classes: number
  readonly scores: Readonly<Record<string, Float32Array>>
}

/** Numbers and bytes that one owner keeps between tasks. */
export interface Kept {
  readonly numbers: number
  readonly bytes: number
}

/** What a run knows beside the state: all tasks of its stream, the seconds of each phase of the task at hand, and `Learner.kept`. */
export interface RunFacts {
  readonly tasks: readonly Task[]
  readonly seconds: Readonly<Record<string, number>>
  kept(): Readonly<Record<string, Kept>>
}

/**
 * Measures a learner after each task, and sums the rows up at the end. Evaluators are independent of each other. One that remembers is
 * `Stateful` too; its memory is that of an instrument, and does not count as kept by the learner. Without `facts`, outside a run, what
 * needs them is left out.
 */
export interface Evaluator {
  evaluate(
    state: TaskState,
    answers: readonly Answers[],
    facts?: RunFacts,
  ): readonly Measurement[] | Promise<readonly Measurement[]>
  summarize?(rows: readonly (readonly Measurement[])[]): readonly Measurement[]
}
export const Evaluator = point<Evaluator>('evaluator', 'many')

/** Some steps of a fit. `terms` are the named loss terms, in the units of each, means over the steps since the last event; `shares` the shares of the gradient that come from regularizers, 0 to 1. */
export interface StepEvent {
  readonly type: 'step'
  readonly fit: string
  readonly step: number
  readonly of: number
  readonly terms: Readonly<Record<string, number>>
  readonly shares: Readonly<Record<string, number>>
}

/** What observers hear. Times are seconds. `png` is the whole file; `name` and `task` together are unique in a run. */
export type LearnerEvent =
  | {
      readonly type: 'run-start'
      readonly tasks: readonly string[]
      readonly seed: number
      readonly engine: EngineFacts
    }
  | {
      readonly type: 'run-resume'
      readonly task: number
      readonly tasks: readonly string[]
      readonly engine: EngineFacts
    }
  | { readonly type: 'task-start'; readonly task: number; readonly name: string; readonly classes: readonly string[] }
  | { readonly type: 'phase-start'; readonly task: number; readonly phase: string }
  | StepEvent
  | { readonly type: 'progress'; readonly what: string; readonly done: number; readonly of: number }
  | { readonly type: 'phase-end'; readonly task: number; readonly phase: string; readonly seconds: number }
  | { readonly type: 'picture'; readonly task: number; readonly name: string; readonly png: Uint8Array }
  | {
      readonly type: 'task-end'
      readonly task: number
      readonly measurements: readonly Measurement[]
      readonly seconds: number
    }
  | { readonly type: 'run-end'; readonly summary: readonly Measurement[]; readonly seconds: number }
  | { readonly type: 'run-failed'; readonly message: string }

/**
 * Hears events; never changes a run. One that writes them down says with `mark`, as JSON, how far it has come, and with `rewind` goes
 * back to such a place when a run is taken up again from there, so that no event stands twice.
 */
export interface Observer {
  notice(event: LearnerEvent): void
  mark?(): unknown
  rewind?(mark: unknown): void
  close?(): void | Promise<void>
}
export const Observer = point<Observer>('observer', 'many')

/** The engine that started: its name, version, threads and, where there was a choice, why it was this one. */
export interface EngineFacts {
  readonly name: string
  readonly version: string
  readonly threads: number
  readonly note?: string
}

/** The tensor engine. */
export interface Backend {
  start(): Promise<EngineFacts>
}
export const Backend = point<Backend>('backend', 'optional')

/** Seedable, checkpointable randomness, drawn in JavaScript; each plugin is injected one of its own. */
export interface Rng {
  /** `[count]` in [0, 1). */
  uniform(count: number): Float32Array
  /** `[count]` standard normal. */
  normal(count: number): Float32Array
  /** `[count] int32` in 0 to `below` − 1. */
  integers(count: number, below: number): Int32Array
  /** A random order of 0 to `count` − 1. */
  permutation(count: number): Int32Array
  /** An independent stream that depends on this one's seed and on `name` only. */
  fork(name: string): Rng
  state(): readonly number[]
  restore(state: readonly number[]): void
}
export const Rng = point<Rng>('rng', 'service')

/**
 * Training of some parameters: the only loop over steps; see `trainer.ts`. `notice` hears what observers hear of the steps; `watch` sees
 * the parameters before each step, and after the last, with how many steps they have had.
 * The share of a penalty is ‖p‖ / (‖g‖ + ‖p‖), of its gradient p and that g of the loss, over the parameters that p reaches; that of
 * a projection is ‖g′ − g‖ / (‖g′ − g‖ + ‖g‖), of the gradients before and after it. It is measured at one step of each event.
 *
 * A process that goes on within a fit asks for the batches that were used before, and throws them away, so that whoever drew them stands
 * where they stood: `pass` does that without making them. What else the steps have changed, `carried` gives and takes.
 */
export interface Fit {
  readonly name: string
  readonly params: Params
  readonly iterations: number
  readonly optimizer: OptimizerOptions
  batch(): Promise<Readonly<Record<string, Tensor>>> | Readonly<Record<string, Tensor>>
  loss(params: Params, batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Scalar>>
  readonly penalties?: Readonly<Record<string, (params: Params, batch: Readonly<Record<string, Tensor>>) => Scalar>>
  readonly projections?: Readonly<Record<string, (gradients: Params, params: Params) => Params>>
  track?(update: Update): void
  notice?(event: StepEvent): void
  watch?(params: Params, step: number): void | Promise<void>
  readonly carried?: Carried
  pass?(batches: number): void | Promise<void>
}

/** What changes in a fit beside its parameters. `state` returns clones that belong to the caller; `params` stay the trainer's. */
export interface Carried {
  state(): State
  restore(state: State, params: Params): void
}
export interface Trainer {
  fit(fit: Fit): Promise<Params>
}
export const Trainer = point<Trainer>('trainer', 'service')

/** Tells all observers. */
export interface Events {
  emit(event: LearnerEvent): void
}
export const Events = point<Events>('events', 'service')

/** Makes second copies of parts, for instruments, which must not disturb what they measure. */
export interface Twins {
  /**
   * Another part with the options and the state of the one at a point that takes one, but drawing from `rng`: whatever it does, the
   * first stays as it is, and so does the run. It belongs to the caller, who disposes it. `undefined` at an empty point.
   */
  of<Contract extends Stateful>(point: Point<Contract>, rng: Rng): Contract | undefined
}
export const Twins = point<Twins>('twins', 'service')

/** The validated options of the plugin being built. */
export const Options = point<unknown>('options', 'service')

/** An update rule by name. Rates are per step; `schedule: cosine` falls from `rate` to 0 over the fit. */
export interface OptimizerOptions {
  readonly use: 'sgd' | 'adam' | 'adamw'
  readonly rate: number
  readonly schedule: 'constant' | 'cosine'
  readonly momentum: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly decay: number
}
