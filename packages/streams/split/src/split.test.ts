import { LgmError, type Plugin, range, Stream, type Task } from '@lgm/core'
import { build, checkStream, tinyData, traceData } from '@lgm/testing'
import { expect, test } from 'vitest'
import { split } from './split.js'

checkStream({ plugin: scenario => split({ tasks: 2, scenario }) })
checkStream({
  plugin: scenario =>
    split({
      classes: [
        [3, 'b'],
        ['a', 2],
      ],
      scenario,
      validation: 0.3,
      limit: 4,
      testLimit: 1,
    }),
})
checkStream({
  plugin: scenario => split({ sizes: [2, 1, 1], order: 'shuffled', scenario }),
  scenarios: ['class', 'task'],
})

/** Ten classes a to j, 6 training examples and 3 tests each. */
const data = tinyData({ classes: 10 })
const cut = (plugin: Plugin, seed = 0, from = data): Promise<readonly Task[]> =>
  build(Stream, plugin, { beside: [traceData(from).plugin], seed }).tasks()
const namesOf = (tasks: readonly Task[]) => tasks.map(task => task.names.join(''))

test('five tasks of two classes unless told otherwise, all examples in exactly one of them', async () => {
  const tasks = await cut(split())
  expect(namesOf(tasks)).toEqual(['ab', 'cd', 'ef', 'gh', 'ij'])
  expect(tasks.map(task => task.classes)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
    [8, 9],
  ])
  expect(tasks.map(task => task.name)).toEqual(['a, b', 'c, d', 'e, f', 'g, h', 'i, j'])
  expect(tasks.map(task => task.train.count)).toEqual([12, 12, 12, 12, 12])
  expect(tasks.map(task => task.test.count)).toEqual([6, 6, 6, 6, 6])
})

test('labels are ids of the stream, and the rows behind them are those of the class', async () => {
  const [, second] = await cut(split({ classes: [['j'], ['c', 'a']] }))
  expect(second!.classes).toEqual([1, 2])
  expect(second!.names).toEqual(['c', 'a'])
  expect([...second!.train.labels.slice(0, 4)]).toEqual([2, 1, 2, 1])
  expect(await second!.train.read(Int32Array.of(0, 1))).toEqual(await data.train.read(Int32Array.of(0, 2)))
})

test('a large first task', async () => {
  const tasks = await cut(split({ sizes: [5, 1, 1, 1, 1, 1] }))
  expect(namesOf(tasks)).toEqual(['abcde', 'f', 'g', 'h', 'i', 'j'])
  expect(tasks[0]!.name).toBe('a, b, …, e')
})

test('a shuffled order has every class once, and depends on the seed only', async () => {
  const orders = await Promise.all(
    [1, 1, 2, 3].map(async seed => namesOf(await cut(split({ order: 'shuffled' }), seed)).join('')),
  )
  expect(orders[0]).toBe(orders[1])
  expect([...orders[0]!].sort().join('')).toBe('abcdefghij')
  expect(new Set(orders).size).toBe(3)
})

test('holding validation data out does not change the shuffled order', async () => {
  const plain = namesOf(await cut(split({ order: 'shuffled' }), 4))
  expect(namesOf(await cut(split({ order: 'shuffled', validation: 0.5 }), 4))).toEqual(plain)
})

test('an order may leave classes out', async () => {
  expect(namesOf(await cut(split({ order: ['j', 0, 'd', 'c'], tasks: 2 })))).toEqual(['ja', 'dc'])
})

test('in the domain scenario the k-th class of every task has the id and the name k', async () => {
  const tasks = await cut(split({ scenario: 'domain' }))
  expect(tasks.map(task => task.classes)).toEqual(new Array(5).fill([0, 1]))
  expect(tasks[4]!.names).toEqual(['0', '1'])
  expect(tasks[4]!.name).toBe('i, j')
  expect([...tasks[4]!.train.labels.slice(0, 2)]).toEqual([0, 1])
})

test('validation data are held out of training: round(0.3 · 6) = 2 of each class', async () => {
  const [first] = await cut(split({ validation: 0.3 }))
  expect([first!.train.count, first!.validation!.count, first!.test.count]).toEqual([8, 4, 6])
  const rows = [first!.train, first!.validation!].map(part => part.read(range(0, part.count)) as Float32Array)
  expect(new Set(rows.flatMap(part => [...part])).size).toBe(12 * 16)
})

test('one example a class is enough', async () => {
  const tasks = await cut(split(), 0, tinyData({ classes: 10, count: 1 }))
  expect(tasks.map(task => task.train.count)).toEqual([2, 2, 2, 2, 2])
})

test.each<[string, Parameters<typeof split>[0], string]>([
  [
    'more tasks than classes',
    { tasks: 11 },
    'expected at most 10 tasks, as many as there are classes, got 11; lower tasks',
  ],
  [
    'tasks that do not divide',
    { tasks: 3 },
    'expected a number of tasks that divides 10 classes, got 3; change tasks, or give sizes',
  ],
  [
    'sizes that do not add up',
    { sizes: [5, 2] },
    'expected sizes that add up to 10 classes, got 5 + 2 = 7; correct sizes',
  ],
  [
    'a class in two tasks',
    {
      classes: [
        [1, 2],
        [3, 'c'],
      ],
    },
    'expected each class once, got "c" twice, in task 1 and task 2; remove one of them',
  ],
  [
    'a class twice in a task',
    { classes: [['c', 'c']] },
    'expected each class once, got "c" twice, in task 1; remove one of them',
  ],
  ['a class twice in the order', { order: [1, 'b'] }, 'expected each class once, got "b" twice, in order'],
  ['a label out of range', { classes: [[10]] }, 'expected labels from 0 to 9, got 10; correct the list of classes'],
  ['a fraction in the place of a label', { classes: [[0.5]] }, 'expected labels from 0 to 9, got 0.5'],
  ['an unknown name', { classes: [['k1']] }, 'expected the name of a class, got "k1"; known are a, b, …, j'],
  [
    'tasks of different sizes that share outputs',
    { sizes: [6, 4], scenario: 'domain' },
    'got 6, 4; change sizes, or the scenario',
  ],
])('%s: one clear error', async (_, options, message) => {
  const error = await cut(split(options)).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LgmError)
  expect((error as LgmError).message).toContain(`stream "split": expected`)
  expect((error as LgmError).message).toContain(message)
})

test('a name nearly right gets a suggestion', async () => {
  const named = { ...data, classes: data.classes.map(name => `class-${name}${name}`) }
  await expect(cut(split({ classes: [['clas-cc']] }), 0, named)).rejects.toThrow('did you mean "class-cc"?')
})

test('a class that has no training examples is named', async () => {
  await expect(cut(split({ tasks: 1 }), 0, { ...data, classes: [...data.classes, 'k'] })).rejects.toThrow(
    'stream "split": task 1 ("a, b, …, k"): expected training examples of the class "k", got none',
  )
})

test.each<[string, object, RegExp]>([
  ['an empty task', { classes: [[0, 1], []] }, /classes\.1/],
  [
    'classes beside an order',
    { classes: [[0]], order: 'shuffled' },
    /expected either classes, or tasks, sizes and order/,
  ],
  ['sizes that contradict tasks', { tasks: 3, sizes: [5, 5] }, /sizes.*as many sizes as tasks/],
  ['an unknown scenario', { scenario: 'class-incremental' }, /scenario/],
  ['a mistyped option', { vaildation: 0.1 }, /did you mean "validation"\?/],
  ['everything held out', { validation: 1 }, /validation/],
])('%s: an error before any data is loaded', (_, options, message) => {
  expect(() => split(options)).toThrow(LgmError)
  expect(() => split(options)).toThrow(message)
})
