import { readFileSync } from 'node:fs'
import { tinyDecoder, tinyGenerator, tinyModel } from '@lgm/testing'
import { expect, test } from 'vitest'
import { memoryStore, type Store } from './checkpoint.js'
import { crc32 } from './crc32.js'
import { createLearner, type Learner } from './learner.js'

const x = Float32Array.from([1, 0, 0.9, 0.1, 0, 1, 0.1, 0.9])
const plugins = () => [...tinyModel().plugins, tinyDecoder(), tinyGenerator()]

/** What a learner of `x` and `-x` in two tasks, seed 7, was saved as before there were checksums, and what it answered then. */
const fixture = (name: string) => readFileSync(new URL(`fixtures/checkpoint-1/${name}`, import.meta.url))
const first: Store = { write: async () => {}, read: async name => fixture(name) }

async function answersOf(learner: Learner) {
  const { scores } = await learner.predict(x)
  const recalled = await learner.recall(1)
  return { scores: [...scores], codes: [...(await recalled.read(Int32Array.of(0, 1, 2, 3)))] }
}

test('the checksum is that of zip files', () => {
  // the check value that the catalogue of CRCs gives
  expect(crc32(new TextEncoder().encode('123456789'))).toBe('cbf43926')
  expect(crc32(new Uint8Array())).toBe('00000000')
})

test('a checkpoint of version 1 is read, and saved as one of version 2', async () => {
  const [learner, again] = [await createLearner(plugins()), await createLearner(plugins())]
  const store = memoryStore()
  await learner.load(first)
  await learner.save(store)
  const manifest = JSON.parse(new TextDecoder().decode(await store.read('manifest.json')))
  const [bytes, sum] = [fixture('model.safetensors'), crc32(fixture('model.safetensors'))]
  expect(manifest).toMatchObject({ version: 2, files: { 'model.safetensors': { bytes: bytes.length, crc32: sum } } })
  await again.load(store)
  const told = JSON.parse(String(fixture('answers.json'))) as { scores: number[]; codes: number[] }
  for (const loaded of [learner, again]) {
    expect(loaded.seen.names).toEqual(['cat', 'dog', 'cow', 'owl'])
    const { scores, codes } = await answersOf(loaded)
    for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(told.scores[i]!, 5)
    for (const [i, number] of codes.entries()) expect(number).toBeCloseTo(told.codes[i]!, 5)
  }
})

test('damage of any file is told with the name of the file', async () => {
  const [saved, learner] = [await createLearner(plugins()), await createLearner(plugins())]
  await saved.load(first)
  const store = memoryStore()
  await saved.save(store)
  const load = (damaged: string, change: (bytes: Uint8Array) => Uint8Array) =>
    learner.load({ ...store, read: async name => (name === damaged ? change : same)((await store.read(name)).slice()) })
  const same = (bytes: Uint8Array) => bytes
  const text = (from: string, to: string) => (bytes: Uint8Array) => {
    const told = new TextDecoder().decode(bytes)
    expect(told).toContain(from)
    return new TextEncoder().encode(told.replace(from, to))
  }
  for (const name of ['model.safetensors', 'plugins.safetensors']) {
    const refused = (what: string) => ({ code: 'checkpoint', message: expect.stringMatching(`^${name}: .*${what}`) })
    // a bit of the last number, which the format itself would not miss
    const flip = (bytes: Uint8Array) => bytes.fill(bytes.at(-1)! ^ 1, -1)
    await expect(load(name, flip)).rejects.toMatchObject(refused('has the checksum'))
    await expect(load(name, bytes => bytes.subarray(0, -1))).rejects.toMatchObject(refused('bytes'))
    await expect(load('manifest.json', text(`"${name}"`, '"other"'))).rejects.toMatchObject({ code: 'checkpoint' })
  }
  const refused = { code: 'checkpoint', message: expect.stringMatching(/^manifest\.json: .*checksum/) }
  await expect(load('manifest.json', text('"cow"', '"cat"'))).rejects.toMatchObject(refused)
  await expect(load('manifest.json', text('"version": 2', '"version": 3'))).rejects.toThrow(/version 1 or 2/)
  await load('manifest.json', text('  "seed"', '\n"seed"'))
  expect(await answersOf(learner)).toEqual(await answersOf(saved))
})
