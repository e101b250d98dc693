import {
  arrayExamples,
  type Composition,
  changeExamples,
  type Examples,
  Generator,
  Journal,
  LgmError,
  type Plugin,
  range,
  readRecord,
  type State,
  selectExamples,
  sizeOf,
  type TaskRecord,
} from '@lgm/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { composeParts, type Surroundings } from './build.js'
import { expectNoLeak } from './expectations.js'
import { tinyTasks } from './tiny-tasks.js'

/** What `checkGenerator` is told about a plugin. */
export interface GeneratorDescription extends Pick<Surroundings, 'beside'> {
  /** A new plugin with its options, small, but good enough to fit blobs of two numbers; it is fitted four times. */
  readonly plugin: () => Plugin
  /** The same plugin with fewer steps, for the tests that do not ask how good it is; it is fitted a dozen times. The plugin itself. */
  readonly quick?: () => Plugin
  /** A plugin for codes `[2, 3, 2]`, as quick, where another is meant for feature maps, such as one with convolutions; `quick`. */
  readonly maps?: () => Plugin
  /** How far the mean of a class's samples may lie from the class's own, where the nearest two classes are 2.8 apart; 0.6. */
  readonly tolerance?: number
  /** Whether samples are of the class asked for; true. A generator that leaves the labels to a classifier says false. */
  readonly labelled?: boolean
  /** Whether it takes in a class that returns in a later task; true. One that cannot says false, and must refuse. */
  readonly returning?: boolean
  /** Whether codes must lie in 0 to 1; false. */
  readonly unit?: boolean
}

/** How many samples a figure is taken from. */
const many = 400

/**
 * Registers the tests that every generator must pass, on Gaussian blobs in the plane: samples of the shape of codes, with the means of
 * their classes; old classes that survive the next task; a class that returns and keeps what it was; dependence on the seed only;
 * restored equals never interrupted, bit for bit; no tensor left behind; a density, if there is one, that ranks classes; one class, one
 * example, feature maps; one clear error for a class never memorized and for codes of another shape.
 *
 * @example
 * checkGenerator({ plugin: () => gaussian({ components: 2 }) })
 */
export function checkGenerator(description: GeneratorDescription): void {
  const {
    plugin,
    quick = plugin,
    maps = quick,
    tolerance = 0.6,
    labelled = true,
    returning = true,
    unit = false,
    beside = [],
  } = description
  const placed = (examples: Examples) => (unit ? intoUnit(examples) : examples)
  const scale = unit ? 1 / 8 : 1
  const [first, second] = tinyTasks({ tasks: 2, classes: 2, count: 40 }).map(task => placed(task.train))
  const domains = tinyTasks({ tasks: 2, classes: 2, count: 40, scenario: 'domain' }).map(task => placed(task.train))
  const make = (seed = 0) => composeParts([...beside, plugin()], { seed })
  const makeQuick = (seed = 0) => composeParts([...beside, quick()], { seed })

  /** The share of samples of `label` that lie nearest to each of `centres`, and the samples' mean. */
  async function samplesOf(generator: Generator, label: number, centres: readonly Float32Array[]) {
    const codes = await draw(generator, new Int32Array(many).fill(label))
    const shares = centres.map(() => 0)
    for (let i = 0; i < many; i++) shares[nearest(await codes.read(Int32Array.of(i)), centres)]! += 1 / many
    return { shares, mean: await meanOf(codes) }
  }

  describe(`generator "${plugin().definition.name}" conforms:`, () => {
    let afterFirst: Saved
    let afterSecond: Saved

    beforeAll(async () => {
      await tf.ready()
      const composition = make()
      const generator = generatorOf(composition)
      await generator.memorize(first!)
      afterFirst = save(composition)
      await generator.memorize(second!, await recallOf(generator, 2))
      afterSecond = save(composition)
    }, 60_000)

    test('samples have the shape of codes, and are of the class asked for', async () => {
      const generator = load(make(), afterFirst)
      const one = generator.sample(Int32Array.of(1))
      expect(one.shape).toEqual([1, 2])
      expect(one.dtype).toBe('float32')
      one.dispose()
      const centres = await centresOf(first!)
      for (const label of [0, 1]) {
        const { shares, mean } = await samplesOf(generator, label, centres)
        if (!labelled) expect(Math.min(...shares), 'share of the rarer class').toBeGreaterThan(0.15)
        else {
          expect(shares[label], `share of class ${label} among samples of it`).toBeGreaterThan(0.9)
          expect(distance(mean, centres[label]!), `from the mean of class ${label}`).toBeLessThan(tolerance * scale)
        }
      }
    })

    test('old classes survive the next task', async () => {
      const generator = load(make(), afterSecond)
      const centres = [...(await centresOf(first!)), ...(await centresOf(second!))]
      for (const label of range(0, 4)) {
        const { shares, mean } = await samplesOf(generator, label, centres)
        if (!labelled) expect(Math.min(...shares), 'share of the rarest class').toBeGreaterThan(0.05)
        else {
          expect(shares[label], `share of class ${label} among samples of it`).toBeGreaterThan(0.9)
          expect(distance(mean, centres[label]!), `from the mean of class ${label}`).toBeLessThan(tolerance * scale)
        }
      }
    })

    test.runIf(returning)('a class that returns is what it was and what it has become', async () => {
      const generator = generatorOf(make())
      await generator.memorize(domains[0]!)
      await generator.memorize(domains[1]!, await recallOf(generator, 2))
      const centres = [...(await centresOf(domains[0]!)), ...(await centresOf(domains[1]!))]
      for (const label of [0, 1]) {
        const { shares } = await samplesOf(generator, label, centres)
        expect(shares[label], `share of what class ${label} was`).toBeGreaterThan(labelled ? 0.2 : 0.05)
        expect(shares[label + 2], `share of what class ${label} has become`).toBeGreaterThan(labelled ? 0.2 : 0.05)
      }
    })

    test.runIf(!returning)('a class that returns is refused in one clear line', async () => {
      const generator = generatorOf(makeQuick())
      await generator.memorize(domains[0]!)
      const refused = generator.memorize(domains[1]!, await recallOf(generator, 2))
      await expect(refused).rejects.toThrow(/expected .*, got class \d+ again; /)
      await expect(refused).rejects.toBeInstanceOf(LgmError)
    })

    test('samples depend on the seed only', async () => {
      const samples = async (seed: number) => {
        const generator = generatorOf(makeQuick(seed))
        await generator.memorize(first!)
        return Array.from(await all(await draw(generator, Int32Array.of(0, 1, 0, 1, 1))))
      }
      const drawn = await samples(5)
      expect(await samples(5)).toEqual(drawn)
      expect(await samples(6)).not.toEqual(drawn)
    })

    test('restored, it goes on as if never interrupted, bit for bit', async () => {
      const goOn = async (generator: Generator) => {
        await generator.memorize(second!, await recallOf(generator, 2))
        return all(await recallOf(generator, 4))
      }
      const composition = makeQuick(1)
      await generatorOf(composition).memorize(first!)
      const saved = save(composition)
      const uninterrupted = await goOn(generatorOf(composition))
      expect(await goOn(load(makeQuick(2), saved))).toEqual(uninterrupted)
    })

    test('stopped while it learns, it goes on from there, bit for bit', async () => {
      const longer = (): Plugin => {
        const { options, ...rest } = quick()
        return { ...rest, options: 'iterations' in options ? { ...options, iterations: 45 } : options }
      }
      const composition = makeQuick(1)
      await generatorOf(composition).memorize(first!)
      const saved = save(composition)
      const left: ReadonlyMap<string, Uint8Array>[] = []
      const learnOn = async (seed: number, found?: TaskRecord) => {
        const journal = new Journal()
        const goneOn = composeParts([...beside, longer()], { seed, journal })
        const generator = load(goneOn, saved)
        const recall = await recallOf(generator, 2)
        const save = async (files: ReadonlyMap<string, Uint8Array>) => void left.push(files)
        journal.begin(1, found ? { due: () => false, save, found } : { due: () => true, save })
        await generator.memorize(second!, recall)
        return all(await recallOf(generator, 4))
      }
      const uninterrupted = await learnOn(1)
      if ('optimizer' in longer().options) expect(left.length, 'times it can be stopped').toBeGreaterThan(0)
      for (const files of left.slice())
        expect(await learnOn(2, await readRecord(async name => files.get(name)!))).toEqual(uninterrupted)
    })

    test('its state is JSON beside tensors, and belongs to the caller', () => {
      const generator = load(make(), afterFirst)
      const { tensors, values } = generator.state()
      expect(JSON.parse(JSON.stringify(values))).toEqual(values)
      tf.dispose(tensors)
      generator.sample(Int32Array.of(0)).dispose()
    })

    test('samples, states and tasks leave no tensors behind', async () => {
      const composition = makeQuick()
      const generator = generatorOf(composition)
      await generator.memorize(first!)
      const { state } = save(composition)
      await expectNoLeak(async () => {
        await generator.memorize(second!, await recallOf(generator, 2))
        tf.dispose(generator.state().tensors)
        generator.restore(state)
      })
      await expectNoLeak(() => generator.sample(Int32Array.of(0, 1)).dispose())
    })

    test('frees all it holds', () => {
      const before = tf.memory().numTensors
      const generator = load(make(), afterSecond)
      generator.sample(Int32Array.of(0, 3)).dispose()
      generator.dispose?.()
      expect(tf.memory().numTensors).toBe(before)
    })

    test('its density, if it has one, is finite, ranks the classes, and leaves nothing behind', async () => {
      const generator = load(make(), afterSecond)
      if (!generator.logProbability) return
      for (const [examples, others] of [
        [first!, [2, 3]],
        [second!, [0, 1]],
      ] as const) {
        const u = tf.tensor2d(await all(examples), [examples.count, 2])
        const nats = generator.logProbability(u, 4)
        expect(nats.shape).toEqual([examples.count, 4])
        const rows = nats.arraySync()
        expect(rows.flat().every(Number.isFinite), 'finite nats').toBe(true)
        const right = rows.filter((row, i) => others.every(other => row[examples.labels[i]!]! > row[other]!)).length
        expect(
          right / rows.length,
          'share of codes likelier in their class than in those of the other task',
        ).toBeGreaterThan(0.9)
        await expectNoLeak(() => generator.logProbability!(u, 4).dispose())
        tf.dispose([u, nats])
      }
    })

    test('one class and one example are enough', async () => {
      const generator = generatorOf(makeQuick())
      await generator.memorize(selectExamples(first!, Int32Array.of(0), () => 0))
      const samples = await all(await draw(generator, Int32Array.of(0, 0, 0)))
      expect(samples.every(Number.isFinite), 'finite samples').toBe(true)
    })

    test('codes may be feature maps, and restored it goes on with them, bit for bit', async () => {
      const [one, other] = tinyTasks({ tasks: 2, classes: 2, count: 10, shape: [2, 3, 2] }).map(({ train }) =>
        placed(train),
      )
      const composition = composeParts([...beside, maps()], { seed: 1 })
      const generator = generatorOf(composition)
      await generator.memorize(one!)
      const saved = save(composition)
      const goOn = async (generator: Generator) => {
        await generator.memorize(other!, await recallOf(generator, 2))
        return draw(generator, Int32Array.of(3, 0, 1))
      }
      const samples = await goOn(generator)
      expect(samples.shape).toEqual([2, 3, 2])
      const again = await goOn(load(composeParts([...beside, maps()], { seed: 2 }), saved))
      expect(await all(again)).toEqual(await all(samples))
      if (!generator.logProbability) return
      const nats = tf.tidy(() => generator.logProbability!(tf.zeros([3, 2, 3, 2]), 4).shape)
      expect(nats).toEqual([3, 4])
    })

    test('a class that was never memorized is refused in one clear line', () => {
      for (const generator of [generatorOf(make()), load(make(), afterFirst)])
        expectRefusal(() => generator.sample(Int32Array.of(2)), /expected classes .*, got class 2; /)
    })

    test('codes of another shape are refused, and nothing is lost', async () => {
      const generator = load(make(), afterFirst)
      const [other] = tinyTasks({ tasks: 1, shape: [3] })
      const refused = generator.memorize(placed(other!.train), await recallOf(generator, 2))
      await expect(refused).rejects.toThrow(/expected codes of shape \[2\], got \[3\]; /)
      await expect(refused).rejects.toBeInstanceOf(LgmError)
      generator.sample(Int32Array.of(0, 1)).dispose()
    })
  })
}

/** How many codes of each class are recalled for the next task. */
const perClass = 40

interface Saved {
  readonly state: State
  readonly rng: readonly number[]
}

function generatorOf(composition: Composition): Generator {
  return composition.one(Generator)!
}

function nameIn(composition: Composition): string {
  return [...composition.parts].find(([, part]) => part === generatorOf(composition))![0]
}

function save(composition: Composition): Saved {
  return { state: generatorOf(composition).state(), rng: composition.rngs.get(nameIn(composition))!.state() }
}

function load(composition: Composition, { state, rng }: Saved): Generator {
  generatorOf(composition).restore(state)
  composition.rngs.get(nameIn(composition))!.restore(rng)
  return generatorOf(composition)
}

/** Samples for `labels`, as examples in memory. */
async function draw(generator: Generator, labels: Int32Array): Promise<Examples> {
  const samples = generator.sample(labels)
  const values = (await samples.data()) as Float32Array
  const shape = samples.shape.slice(1)
  samples.dispose()
  return arrayExamples(values.slice(), shape, labels, 'samples')
}

function recallOf(generator: Generator, classes: number): Promise<Examples> {
  return draw(
    generator,
    range(0, classes * perClass).map(i => i % classes),
  )
}

async function all(examples: Examples): Promise<Float32Array> {
  return examples.read(range(0, examples.count))
}

/** Codes of the tiny tasks, of about −4 to 4, moved into 0 to 1. */
function intoUnit(examples: Examples): Examples {
  return changeExamples(examples, examples.shape, rows => rows.map(value => Math.min(Math.max((value + 4) / 8, 0), 1)))
}

async function meanOf(examples: Examples): Promise<Float32Array> {
  const size = sizeOf(examples.shape)
  const mean = new Float32Array(size)
  const values = await all(examples)
  values.forEach((value, i) => {
    mean[i % size]! += value / examples.count
  })
  return mean
}

/** The mean of each class, by ascending label. */
function centresOf(examples: Examples): Promise<Float32Array[]> {
  const labels = [...new Set(examples.labels)].sort((a, b) => a - b)
  return Promise.all(
    labels.map(label =>
      meanOf(
        selectExamples(
          examples,
          range(0, examples.count).filter(i => examples.labels[i] === label),
        ),
      ),
    ),
  )
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, i) => value - b[i]!))
}

function nearest(row: Float32Array, centres: readonly Float32Array[]): number {
  const distances = centres.map(centre => distance(row, centre))
  return distances.indexOf(Math.min(...distances))
}

function expectRefusal(attempt: () => unknown, message: RegExp): void {
  expect(attempt).toThrow(LgmError)
  expect(attempt).toThrow(message)
}
