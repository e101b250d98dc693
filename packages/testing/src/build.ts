import {
  type Composition,
  compose,
  corePoints,
  createRng,
  createTrainer,
  type Events,
  type Journal,
  type LearnerEvent,
  type Plugin,
  type Point,
} from '@lgm/core'

/** What stands beside the part that is built. */
export interface Surroundings {
  /** Further plugins that the part may ask for, such as those of `tinyModel()`. */
  readonly beside?: readonly Plugin[]
  /** Seed of every random draw; 0 unless told. */
  readonly seed?: number
  /** Receives the events that parts emit; they go nowhere unless told. */
  readonly events?: LearnerEvent[]
  /** Keeps how far fits have come. */
  readonly journal?: Journal
}

/**
 * Composes plugins as a learner does, with the real Rng and the real trainer, but without asking that any point be filled.
 *
 * @throws LgmError `composition` as core's `compose` does.
 */
export function composeParts(
  plugins: readonly Plugin[],
  { seed = 0, events, journal }: Omit<Surroundings, 'beside'> = {},
): Composition {
  const sink: Events = { emit: event => void events?.push(event) }
  return compose(plugins, [], corePoints, {
    rng: createRng(seed),
    trainer: createTrainer(sink, undefined, journal),
    events: sink,
  })
}

/**
 * Builds one part the way a learner does; it is the last of its point, so others of a point that takes many may stand beside it.
 *
 * @throws LgmError `composition` as core's `compose` does.
 * @example
 * const regularizer = build(Regularizer, ewc({ strength: 10 }), { beside: tinyModel().plugins })
 */
export function build<Contract>(
  point: Point<Contract>,
  plugin: Plugin,
  { beside = [], ...rest }: Surroundings = {},
): Contract {
  return composeParts([...beside, plugin], rest)
    .all(point)
    .at(-1)!
}
