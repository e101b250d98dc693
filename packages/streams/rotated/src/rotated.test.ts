import { LgmError, type Plugin, Stream, type Task } from '@lgm/core'
import { build, checkStream, expectClose, tinyData, traceData } from '@lgm/testing'
import { expect, test } from 'vitest'
import { rotated } from './rotated.js'
import { rotate, rotation } from './rotation.js'

checkStream({ plugin: scenario => rotated({ tasks: 3, scenario }) })
checkStream({
  plugin: scenario => rotated({ angles: 'random', tasks: 2, scenario, validation: 0.3, limit: 4 }),
  data: tinyData({ shape: [3, 2, 3] }),
})

const data = tinyData()
const cut = (plugin: Plugin, seed = 0, from = data): Promise<readonly Task[]> =>
  build(Stream, plugin, { beside: [traceData(from).plugin], seed }).tasks()
const turn = (image: readonly number[], height: number, width: number, degrees: number, channels = 1) =>
  rotate(Float32Array.from(image), 1, rotation(height, width, degrees), channels)

test('a quarter turn counter-clockwise moves whole pixels: the right column becomes the top row', () => {
  // 1 2 3      3 6 9
  // 4 5 6  →   2 5 8
  // 7 8 9      1 4 7
  expect([...turn([1, 2, 3, 4, 5, 6, 7, 8, 9], 3, 3, 90)]).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7])
})

test('four quarter turns, or a whole one, give the image back exactly', () => {
  const image = Array.from({ length: 16 }, (_, i) => Math.fround(0.1 + i / 7))
  let turned = image
  for (let i = 0; i < 4; i++) turned = [...turn(turned, 4, 4, 90)]
  expect(turned).toEqual(image)
  expect([...turn(image, 4, 4, 360)]).toEqual(image)
})

test('half a turn reverses an image that is not square', () => {
  expect([...turn([1, 2, 3, 4, 5, 6], 2, 3, 180)]).toEqual([6, 5, 4, 3, 2, 1])
})

test('45°: the pixel right of the centre is read half a diagonal away, with weights in closed form', () => {
  // 3 × 3 with a single 1 at the centre. The turned pixel at (1, 2), one right of the centre, is read at
  // (1 + sin 45°, 1 + cos 45°) = (1.7071, 1.7071); the weight of the centre there is (1 − 0.7071)² = 0.085786.
  const turned = turn([0, 0, 0, 0, 1, 0, 0, 0, 0], 3, 3, 45)
  const weight = (1 - Math.SQRT1_2) ** 2
  expectClose(turned, [0, weight, 0, weight, 1, weight, 0, weight, 0], 1e-7)
})

test('what comes from outside is 0, and weights never exceed 1', () => {
  const { weights } = rotation(5, 5, 30)
  for (let pixel = 0; pixel < 25; pixel++) {
    const sum = weights.subarray(4 * pixel, 4 * pixel + 4).reduce((a, b) => a + b, 0)
    expect(sum).toBeLessThanOrEqual(1 + 1e-6)
    if (pixel === 12) expect(sum).toBe(1)
  }
  // The corner of a 5 × 5 image of ones is read at 45° from 2 − 2√2 = −0.8284: 1 − 0.8284 of the border, the rest from outside.
  expectClose(turn(new Array(25).fill(1), 5, 5, 45)[0]!, 3 - 2 * Math.SQRT2, 1e-7)
})

test('channels are turned alike, and rows one by one', () => {
  const two = rotate(Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60, 7, 70, 8, 80), 2, rotation(2, 2, 90), 2)
  expect([...two]).toEqual([2, 20, 4, 40, 1, 10, 3, 30, 6, 60, 8, 80, 5, 50, 7, 70])
})

test('even angles are multiples of range / tasks, from 0', async () => {
  const tasks = await cut(rotated())
  expect(tasks.map(task => task.name)).toEqual(['0°', '36°', '72°', '108°', '144°'])
  expect([...(await tasks[0]!.test.read(Int32Array.of(3)))]).toEqual([...(await data.test.read(Int32Array.of(3)))])
})

test('each task has the images turned by its angle', async () => {
  const [, second] = await cut(rotated({ angles: [0, 90] }))
  const plain = [...(await data.train.read(Int32Array.of(5)))]
  expect([...(await second!.train.read(Int32Array.of(5)))]).toEqual([...turn(plain, 4, 4, 90)])
})

test('random angles lie in equal parts of the range, by the seed', async () => {
  const angles = async (seed: number) =>
    (await cut(rotated({ angles: 'random', range: 90, tasks: 3 }), seed)).map(task => Number.parseFloat(task.name))
  const some = await angles(1)
  some.forEach((angle, t) => {
    expect(angle).toBeGreaterThanOrEqual(30 * t)
    expect(angle).toBeLessThan(30 * t + 30)
  })
  expect(await angles(1)).toEqual(some)
  expect(await angles(2)).not.toEqual(some)
})

test('class-incremental, class c of task t is 4·t + c', async () => {
  const [, second] = await cut(rotated({ angles: [0, 45], scenario: 'class' }))
  expect(second!.classes).toEqual([4, 5, 6, 7])
  expect(second!.names[0]).toBe('a (45°)')
})

test('an angle given twice is two tasks that can be told apart', async () => {
  const [first, , third] = await cut(rotated({ angles: [10, 20, 10], scenario: 'class' }))
  expect([first!.name, third!.name]).toEqual(['10°', '10° again, task 3'])
})

test('flat examples cannot be turned', async () => {
  await expect(cut(rotated(), 0, tinyData({ shape: [9] }))).rejects.toThrow(
    'stream "rotated": expected images [height, width, …] to turn, got shape [9]; use another stream, or give the data set its shape',
  )
})

test('angles that contradict the number of tasks are an error before any data is loaded', () => {
  expect(() => rotated({ tasks: 3, angles: [0, 10] })).toThrow(LgmError)
  expect(() => rotated({ tasks: 3, angles: [0, 10] })).toThrow(/angles.*as many angles as tasks/)
})
