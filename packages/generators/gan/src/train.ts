import { type Mix, mixedBatches } from '@lgm/conditional'
import {
  type Carried,
  disposeParams,
  type Examples,
  flatten,
  mapParams,
  type OptimizerOptions,
  oneHot,
  type Params,
  type Rng,
  type State,
  subset,
  type Trainer,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { Average } from './average.js'
import { generate } from './networks.js'
import { alignment, type Draw, generatorTerms, type Objective, type Rows } from './objective.js'
import { Opponent } from './opponent.js'

/** How a GAN is trained. */
export interface Schedule extends Objective, Omit<Mix, 'replayWeight'> {
  readonly iterations: number
  readonly criticSteps: number
  readonly decay: number
  readonly optimizer: OptimizerOptions
  readonly replayWeight: number
  /** Weight of replay alignment; 0 for none. */
  readonly alignment: number
}

/** What a GAN is trained on. `aligned` are the classes that the generator is held to what it gave for. */
export interface Material {
  readonly name: string
  readonly start: Params
  readonly fresh: Examples
  readonly recall: Examples | undefined
  readonly aligned: readonly number[]
}

/** Drawn for a step of the generator. `old/…` is there for replay alignment; `report/…` is what the critic had to report. */
type Drawn = Draw & Params

/**
 * Trains the generator, in one fit whose steps are its own; see `Match.draw` for those of the critic. Returns the parameters, of the
 * generator their moving average, which belong to the caller where they are not those of `start`, and the terms of the last steps.
 *
 * @throws as the trainer's fit; then nothing is left of what was made.
 */
export async function train(
  trainer: Trainer,
  rng: Rng,
  material: Material,
  schedule: Schedule,
): Promise<{ params: Params; terms: Readonly<Record<string, number>> }> {
  const { name, start } = material
  const { iterations, optimizer } = schedule
  const match = new Match(rng, material, schedule)
  let terms: Readonly<Record<string, number>> = {}
  try {
    const params = await trainer.fit({
      name,
      params: subset(start, 'generator'),
      iterations,
      optimizer,
      batch: () => match.draw(),
      loss: (params, drawn) => match.loss(params, drawn as Drawn),
      track: ({ after }) => match.follow(after),
      carried: match,
      pass: batches => match.pass(batches),
      notice: event => {
        terms = event.terms
      },
    })
    return { params: match.result(params), terms }
  } catch (error) {
    match.dispose()
    throw error
  }
}

/** A generator and its opponent, as far as they have come. */
class Match implements Carried {
  readonly #rng: Rng
  readonly #material: Material
  readonly #schedule: Schedule
  readonly #next: ReturnType<typeof mixedBatches>
  readonly #teacher: Params
  readonly #opponent: Opponent
  readonly #average: Average | undefined
  #generator: Params

  constructor(rng: Rng, material: Material, schedule: Schedule) {
    const { start, fresh, recall } = material
    const { optimizer, iterations, criticSteps, decay } = schedule
    this.#rng = rng
    this.#material = material
    this.#schedule = schedule
    this.#next = mixedBatches(fresh, recall, schedule, rng)
    this.#teacher = subset(start, 'generator')
    this.#generator = this.#teacher
    this.#opponent = new Opponent(subset(start, 'critic'), optimizer, schedule, iterations * criticSteps)
    this.#average = decay > 0 ? new Average(this.#teacher, decay) : undefined
  }

  /**
   * Updates the critic `criticSteps` times against the generator as it stands, and returns what the generator's step needs: labels and
   * weights of the last batch with new z, old labels with z for alignment, and the last report of the critic.
   */
  async draw(): Promise<Drawn> {
    const { criticSteps } = this.#schedule
    for (let step = 1; step < criticSteps; step++) tf.dispose(Object.values(await this.#oppose()))
    const rows = await this.#oppose()
    return { ...rows, ...this.#drawOwn(rows.y.shape[0]!) }
  }

  /** Draws what so many steps of the generator have drawn, without training on it. */
  async pass(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      let count = 0
      for (let critic = 0; critic < this.#schedule.criticSteps; critic++) {
        const drawn = await this.#drawOpposed()
        count = drawn.y.shape[0]!
        tf.dispose(Object.values(drawn))
      }
      tf.dispose(Object.values(this.#drawOwn(count)))
    }
  }

  async #oppose(): Promise<Rows & Params> {
    const { fresh } = this.#material
    const { x, y, weights, z, mix } = await this.#drawOpposed()
    const real = x.reshape([-1, ...fresh.shape])
    const made = generate(this.#generator, z, y, fresh.shape, this.#schedule)
    const report = this.#opponent.update(real, made, { y, weights }, mix)
    tf.dispose([x, real, made, z, mix])
    return { y, weights, ...flatten({ report }) }
  }

  async #drawOpposed() {
    const { x, y, weights } = await this.#next()
    const count = x.shape[0]!
    const [z, mix] = [this.#normal(count), tf.tensor1d(this.#rng.uniform(count))]
    return { x, y: y as tf.Tensor2D, weights: weights as tf.Tensor1D, z, mix }
  }

  #drawOwn(count: number): { readonly z: tf.Tensor2D } & Params {
    const z = this.#normal(count)
    const { aligned } = this.#material
    if (aligned.length === 0) return { z }
    const { replaySize, classes } = this.#schedule
    const labels = this.#rng.integers(replaySize, aligned.length).map(at => aligned[at]!)
    return { z, 'old/z': this.#normal(replaySize), 'old/y': oneHot(labels, classes) }
  }

  /** The terms of the generator; those of the critic stand beside them as constants, to be checked and reported with them. */
  loss(generator: Params, drawn: Drawn): Record<string, tf.Scalar> {
    const { shape } = this.#material.fresh
    const terms = generatorTerms(generator, this.#opponent.params, shape, drawn, this.#schedule)
    const { z, y } = subset(drawn, 'old') as Record<string, tf.Tensor2D>
    const moved = z && y && alignment(generator, this.#teacher, shape, z, y, this.#schedule)
    return {
      ...terms,
      ...(moved && { alignment: moved.mul(this.#schedule.alignment) as tf.Scalar }),
      ...(mapParams(subset(drawn, 'report'), term => term.clone()) as Record<string, tf.Scalar>),
    }
  }

  state(): State {
    const [critic, average] = [this.#opponent.state(), this.#average?.state()]
    return {
      tensors: flatten({ critic: critic.tensors, average: average?.tensors ?? {} }),
      values: { critic: critic.values, average: average?.values },
    }
  }

  restore({ tensors, values }: State, generator: Params): void {
    this.#generator = generator
    this.#opponent.restore({ tensors: subset(tensors, 'critic'), values: values.critic as State['values'] })
    this.#average?.restore({ tensors: subset(tensors, 'average'), values: values.average as State['values'] })
  }

  /** Takes the generator's parameters after an update; they stay the trainer's. */
  follow(generator: Params): void {
    this.#generator = generator
    this.#average?.follow(generator)
  }

  /** All parameters at the end, given the generator's, which are disposed where their average is returned. */
  result(generator: Params): Params {
    this.#opponent.end()
    if (this.#average) disposeParams(generator, this.#teacher)
    return flatten({ generator: this.#average?.params ?? generator, critic: this.#opponent.params })
  }

  dispose(): void {
    this.#opponent.end()
    disposeParams(this.#opponent.params, subset(this.#material.start, 'critic'))
    this.#average?.dispose()
  }

  #normal(count: number): tf.Tensor2D {
    const { latent } = this.#schedule
    return tf.tensor2d(this.#rng.normal(count * latent), [count, latent])
  }
}
