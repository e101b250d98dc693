import {
  consolidate,
  createLearner,
  decode,
  decodeArrays,
  encodeArrays,
  type Learner,
  LgmError,
  memorize,
  memoryStore,
  recall,
  type Store,
} from '@lgm/core'
import { mlp as mlpDecoder } from '@lgm/decoder-mlp'
import { drift } from '@lgm/evaluator-drift'
import { vae } from '@lgm/generator-vae'
import { ewc } from '@lgm/regularizer-ewc'
import { countTensors, fuzzRuns, hostileBytes, hostileJson, tinyTasks } from '@lgm/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { misfits, quick, small, withoutChecksums } from './checkpoint-learners.js'

const steps = { iterations: 2, batchSize: 4, replaySize: 4 }
const files = ['manifest.json', 'model.safetensors', 'plugins.safetensors'] as const

function make(): Promise<Learner> {
  return createLearner(
    small(
      ...[mlpDecoder({ widths: [2] }), vae({ ...steps, widths: [2], latent: 2, prior: 'class' }), ewc()],
      ...[drift({ examples: 2 }), recall({ perClass: 4 }), quick, decode(steps), memorize(), consolidate()],
    ),
  )
}

/** A checkpoint after so many tasks. */
async function saved(count: number): Promise<Store> {
  const learner = await make()
  const instrument = learner.parts.parts.get('evaluator/drift') as { evaluate(...given: unknown[]): Promise<unknown> }
  for (const task of tinyTasks({ count: 6, tasks: count })) {
    const { state } = await learner.learn(task)
    await instrument.evaluate(state, [])
  }
  const store = memoryStore()
  await learner.save(store)
  await learner.dispose()
  return store
}

/** All that a learner keeps, as it would be saved. */
async function whole(learner: Learner): Promise<string> {
  const store = memoryStore()
  await learner.save(store)
  return wholeOf(store)
}

async function wholeOf(store: Store): Promise<string> {
  // it has the checksums of the other files
  return new TextDecoder().decode(await store.read('manifest.json'))
}

interface Damage {
  readonly file: (typeof files)[number]
  readonly bytes: Uint8Array
}

/** Damage of one file: of its bytes, of the manifest's values, and of one tensor. */
async function damages(store: Store): Promise<fc.Arbitrary<Damage>> {
  const [encode, decode] = [new TextEncoder(), new TextDecoder()]
  const all = await Promise.all(files.map(async file => ({ file, bytes: await store.read(file) })))
  const of = (file: Damage['file'], any: fc.Arbitrary<Uint8Array>) => any.map(bytes => ({ file, bytes }))
  const manifest = hostileJson([JSON.parse(decode.decode(all[0]!.bytes))]).map(text => encode.encode(text))
  return fc.oneof(
    ...all.map(({ file, bytes }) => of(file, hostileBytes([bytes]))),
    of('manifest.json', manifest),
    ...all.slice(1).map(({ file, bytes }) => {
      const each = [...misfits(bytes)].map(([, changed]) => changed)
      return of(file, fc.constantFrom(...each, encodeArrays(decodeArrays(bytes).arrays, { note: 'none' })))
    }),
  )
}

test('a damaged or hostile checkpoint of a whole learner is refused, and changes nothing, or is read', async () => {
  const [store, other] = [await saved(2), await saved(1)]
  const old = await withoutChecksums(store)
  const [learner, before] = [await make(), await wholeOf(other)]
  const [after, counts] = [await wholeOf(store), { same: 0, read: 0, refused: 0 }]
  await learner.load(other)
  const tensors = countTensors()
  const attempt = async (from: Store, { file, bytes }: Damage, sealed: boolean) => {
    try {
      await learner.load({ ...from, read: async name => (name === file ? bytes : from.read(name)) })
    } catch (error) {
      if (!(error instanceof LgmError && error.code === 'checkpoint')) throw error
      counts.refused++
      if ((await whole(learner)) !== before)
        throw new Error('it was refused, and yet changed something', { cause: error })
      return
    }
    counts[sealed ? 'same' : 'read']++
    if (sealed && (await whole(learner)) !== after) throw new Error('it was read, and is another')
    const { scores } = await learner.predict(new Float32Array(2))
    if (scores.length !== learner.seen.names.length) throw new Error('scores that do not fit')
    await learner.load(other)
  }
  // each loads a whole learner; the manifest and the tensors have tests of their own with more
  const howMany = Math.ceil(fuzzRuns / 20)
  const seed = process.env.LGM_FUZZ_RUNS === undefined ? { seed: 1 } : {}
  type Case = Parameters<typeof attempt>
  const cases: fc.Arbitrary<Case> = fc.oneof(
    (await damages(store)).map((damage): Case => [store, damage, true]),
    (await damages(old)).map((damage): Case => [old, damage, false]),
  )
  await fc.assert(
    fc.asyncProperty(cases, given => attempt(...given)),
    { numRuns: howMany, ...seed },
  )
  expect(countTensors()).toBe(tensors)
  for (const count of Object.values(counts)) expect(count / howMany).toBeGreaterThan(0.005)
}, 600_000)
