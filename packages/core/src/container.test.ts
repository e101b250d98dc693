import { describe, expect, test } from 'vitest'
import { compose, inject, nameOf, needsOf } from './container.js'
import { Events, Options, Rng, type State, type Stateful, Trainer, Twins } from './contracts.js'
import { expected, LgmError } from './errors.js'
import { definePlugin, type Plugin, type Point, point, z } from './point.js'
import { createRng } from './rng.js'
import { createTrainer } from './trainer.js'

/** Three points of a toy: one engine, an optional radio, many wheels. */
interface Named {
  readonly label: string
}
const Engine = point<Named>('engine', 'one')
const Radio = point<Named>('radio', 'optional')
const Wheel = point<Named>('wheel', 'many')
const points: readonly Point<unknown>[] = [Engine, Radio, Wheel]
const label = z.strictObject({ label: z.string().default('plain') })

class Labelled implements Named {
  readonly label: string
  constructor(@inject(Options) { label }: { label: string }) {
    this.label = label
  }
}
const motor = definePlugin({ point: Engine, name: 'motor', summary: 'a motor', options: label, class: Labelled })
const radio = definePlugin({ point: Radio, name: 'radio', summary: 'a radio', options: label, class: Labelled })
const wheel = definePlugin({ point: Wheel, name: 'round', summary: 'a wheel', options: label, class: Labelled })

/** Asks for all there is. */
class Car implements Named {
  readonly label = 'car'
  readonly asked: {
    engine: Named
    radio: Named | undefined
    wheels: readonly Named[]
    rng: Rng
    trainer: Trainer
    events: Events
  }
  constructor(
    @inject(Engine) engine: Named,
    @inject(Radio) found: Named | undefined,
    @inject(Wheel) wheels: readonly Named[],
    @inject(Rng) rng: Rng,
    @inject(Trainer) trainer: Trainer,
    @inject(Events) events: Events,
  ) {
    this.asked = { engine, radio: found, wheels, rng, trainer, events }
  }
}
const Whole = point<Car>('whole', 'one')
const car = definePlugin({ point: Whole, name: 'car', summary: 'a car', options: z.strictObject({}), class: Car })

const events: Events = { emit: () => {} }
const services = { rng: createRng(1), trainer: createTrainer(events), events }
const build = (plugins: readonly Plugin[], required: readonly Point<unknown>[] = []) =>
  compose(plugins, required, points, services)

describe('composition', () => {
  test('injects one, none and many, in the order listed, whatever the order of need', () => {
    const parts = build([car(), wheel({ label: 'left' }), motor({ label: 'v8' }), wheel({ label: 'right' })])
    const { asked } = parts.one(Whole)!
    expect(asked.engine).toBe(parts.one(Engine))
    expect(asked.radio).toBeUndefined()
    expect(asked.wheels.map(found => found.label)).toEqual(['left', 'right'])
    expect(asked.wheels).toEqual(parts.all(Wheel))
    expect([asked.trainer, asked.events]).toEqual([services.trainer, events])
    expect((build([car(), motor(), radio({ label: 'fm' })]).one(Whole) as Car).asked.radio?.label).toBe('fm')
  })

  test('builds every part once, with its own options and its own Rng', () => {
    const parts = build([motor(), car(), wheel({ label: 'a' }), wheel({ label: 'b' })])
    expect([...parts.parts.keys()]).toEqual(['engine/motor', 'whole/car', 'wheel/round', 'wheel/round-2'])
    expect(parts.all(Wheel).map(nameOf)).toEqual(['wheel/round', 'wheel/round-2'])
    expect(new Set([...parts.rngs.values()].map(rng => rng.uniform(1)[0])).size).toBe(4)
    expect(parts.one(Whole)!.asked.rng).toBe(parts.rngs.get('whole/car'))
    expect(nameOf({})).toBe('unnamed')
  })

  test('knows without building it what a part asks for', () => {
    expect(needsOf(car.definition)).toEqual([Engine, Radio, Wheel, Rng, Trainer, Events])
    expect(needsOf(motor.definition)).toEqual([Options])
    expect(needsOf({ ...motor.definition, requires: [Radio, Options] })).toEqual([Options, Radio])
    class Nothing {}
    expect(needsOf({ ...motor.definition, class: Nothing })).toEqual([])
  })

  test('gives a part the same Rng whatever stands beside it', () => {
    const draw = (plugins: readonly Plugin[]) => build(plugins).rngs.get('engine/motor')!.uniform(3)
    expect(draw([motor()])).toEqual(draw([wheel(), radio(), motor()]))
  })

  test('twice shares nothing', () => {
    const [one, two] = [build([motor({ label: 'one' }), car()]), build([motor({ label: 'two' }), car()])]
    expect([one, two].map(parts => parts.one(Whole)!.asked.engine.label)).toEqual(['one', 'two'])
  })

  test('takes plugins of a point that it has never heard of', () => {
    const Hat = point<Named>('hat', 'optional')
    const hat = definePlugin({ point: Hat, name: 'top', summary: 'a hat', options: label, class: Labelled })
    expect(build([hat({ label: 'silk' })]).one(Hat)?.label).toBe('silk')
  })
})

class Failing implements Named {
  readonly label = 'none'
  constructor(@inject(Options) _: unknown) {
    throw expected('engine "failing"', 'fuel', 'none', 'fill it up', 'composition')
  }
}
const failing = definePlugin({
  point: Engine,
  name: 'failing',
  summary: 'fails',
  options: z.strictObject({}),
  class: Failing,
})
class Chicken {
  readonly label = 'chicken'
  constructor(@inject(Radio) readonly egg: unknown) {}
}
class Egg {
  readonly label = 'egg'
  constructor(@inject(Engine) readonly chicken: unknown) {}
}
const chicken = definePlugin({
  point: Engine,
  name: 'chicken',
  summary: '',
  options: z.strictObject({}),
  class: Chicken,
})
const egg = definePlugin({ point: Radio, name: 'egg', summary: '', options: z.strictObject({}), class: Egg })
class Bare {
  readonly label = 'bare'
  constructor(readonly engine: Named) {}
}
const bare = definePlugin({ point: Radio, name: 'bare', summary: '', options: z.strictObject({}), class: Bare })
const thirsty = definePlugin({
  point: Wheel,
  name: 'thirsty',
  summary: '',
  options: label,
  class: Labelled,
  requires: [Radio],
})

describe('a composition is refused', () => {
  test.each<[string, readonly Plugin[], string]>([
    [
      'without a point that is needed',
      [wheel()],
      'composition: expected one engine, got none; add a plugin of the point "engine"',
    ],
    [
      'with two plugins at a point that takes one',
      [motor(), failing()],
      'composition: expected at most one engine, got motor and failing; remove all but one',
    ],
    [
      'with two plugins at an optional point',
      [motor(), radio(), egg()],
      'composition: expected at most one radio, got radio and egg; remove all but one',
    ],
    [
      'without what a plugin requires',
      [motor(), thirsty()],
      'wheel "thirsty": expected a radio beside it, got none; add a plugin of the point "radio"',
    ],
    ['when a part refuses', [failing()], 'engine "failing": expected fuel, got none; fill it up'],
    [
      'when a part refuses that another asked for',
      [car(), failing()],
      'engine "failing": expected fuel, got none; fill it up',
    ],
    [
      'with plugins that need each other in a circle',
      [chicken(), egg()],
      'composition: expected plugins that do not need each other in a circle, got engine/chicken → radio/egg → engine/chicken; remove one of them',
    ],
  ])('%s', (_, plugins, message) => {
    const attempt = () => build(plugins, [Engine])
    expect(attempt).toThrow(LgmError)
    expect(attempt).toThrow(new LgmError('composition', message))
  })

  test('with a constructor that does not say what it wants', () => {
    expect(() => build([motor(), bare()])).toThrow(
      /^radio\/bare: expected a constructor whose parameters all carry @inject of a known point, got/,
    )
  })

  test("with the plugin's own error, where that is a fault of its code", () => {
    class Broken {
      constructor() {
        throw new TypeError('x is not a function')
      }
    }
    const broken = definePlugin({
      point: Engine,
      name: 'broken',
      summary: '',
      options: z.strictObject({}),
      class: Broken as never,
    })
    expect(() => build([broken()])).toThrow(new TypeError('x is not a function'))
  })
})

describe('a twin', () => {
  /** Counts its draws; asks for its options and for an Rng. */
  class Dice implements Stateful {
    rolls = 0
    constructor(
      @inject(Options) readonly options: { label: string },
      @inject(Rng) readonly rng: Rng,
    ) {}
    roll(): number {
      this.rolls++
      return this.rng.uniform(1)[0]!
    }
    state(): State {
      return { tensors: {}, values: { rolls: this.rolls } }
    }
    restore({ values }: State): void {
      this.rolls = values.rolls as number
    }
  }
  const Cup = point<Dice>('cup', 'optional')
  const dice = definePlugin({ point: Cup, name: 'dice', summary: 'dice', options: label, class: Dice })
  class Watch {
    constructor(@inject(Twins) readonly twins: Twins) {}
  }
  const Watching = point<Watch>('watching', 'one')
  const watch = definePlugin({
    point: Watching,
    name: 'watch',
    summary: 'w',
    options: z.strictObject({}),
    class: Watch,
  })

  test('has options, state and name of the first, draws by itself, and changes nothing of it', () => {
    const [one, other] = [build([watch(), dice({ label: 'red' })]), build([watch(), dice({ label: 'red' })])]
    const [first, untouched] = [one.one(Cup)!, other.one(Cup)!]
    first.roll()
    untouched.roll()
    const twin = one.one(Watching)!.twins.of(Cup, createRng(7, '/watch'))!
    expect(twin).not.toBe(first)
    expect([twin.rolls, twin.options, nameOf(twin)]).toEqual([1, { label: 'red' }, 'cup/dice'])
    expect(twin.roll()).toBe(createRng(7, '/watch').uniform(1)[0])
    expect([first.rolls, twin.rolls]).toEqual([1, 2])
    expect(first.roll()).toBe(untouched.roll())
    expect([...one.parts.values()]).not.toContain(twin)
  })

  test('of nothing is nothing', () => {
    expect(build([watch()]).one(Watching)!.twins.of(Cup, createRng(0))).toBeUndefined()
  })
})
