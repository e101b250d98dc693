import {
  type Answers,
  decodeArrays,
  encodeArrays,
  expected,
  measurementSchema,
  type NamedArray,
  type RunFacts,
  type SeenClasses,
  type Task,
  type TaskState,
  z,
} from '@lgm/core'

const size = z.int().min(0)

const seenSchema = z
  .object({
    scenario: z.enum(['class', 'task', 'domain']).describe('which labels shared one softmax'),
    names: z.array(z.string()).describe('names of the classes, by id'),
    taskOf: z.array(size).describe('index of the task in which each first appeared'),
  })
  .refine(({ names, taskOf }) => names.length === taskOf.length, 'a task for each class')

const aboutSchema = z.object({
  version: z.literal(1),
  task: size.describe('index of the task after which the answers were given'),
  tasks: z
    .array(
      z.object({
        index: size,
        name: z.string(),
        classes: z.array(size).describe('ids of its classes'),
        names: z.array(z.string()).describe('their names'),
        shape: z.array(size).describe('shape of an example'),
        train: size.describe('training examples'),
        test: size.describe('test examples'),
      }),
    )
    .refine(tasks => tasks.every(({ index }, at) => index === at), 'tasks in their order')
    .refine(tasks => tasks.every(({ classes, names }) => classes.length === names.length), 'a name for each class')
    .describe('all tasks of the stream'),
  seen: seenSchema.describe('the classes met, those of the task included'),
  before: seenSchema.describe('the classes met before the task'),
  measurements: z.array(measurementSchema).describe('what phases and regularizers reported of the task'),
  kept: z.record(z.string(), z.object({ numbers: size, bytes: size })).describe('what the learner kept, by owner'),
})

/** What is known of a learner after one task without its model and without examples: answers, and what stands around them. */
export interface SavedAnswers extends Omit<z.output<typeof aboutSchema>, 'version'> {
  readonly answers: readonly Answers[]
}

/** The key of the metadata of a safetensors file under which all but the numbers stands, as JSON. */
const key = 'lgm-answers'

/**
 * A safetensors file of what a learner answered after a task: for the n-th task, counted from 1, `task-<n>/labels` `[count] int32` and by
 * read-out `task-<n>/scores/<read-out>` `[count, classes] float32`, to the bit. The same answers give the same bytes: nothing in it
 * is read off a clock. It takes count × (4 + 4 × classes × read-outs) bytes for each test set.
 *
 * @example
 * await run(learner, { answered: async (...told) => writeFile(`task-${told[0].task.index + 1}.safetensors`, encodeAnswers(...told)) })
 */
export function encodeAnswers(
  { task, seen, before, measurements = [] }: TaskState,
  answers: readonly Answers[],
  { tasks, kept }: RunFacts,
): Uint8Array<ArrayBuffer> {
  const about = {
    version: 1,
    task: task.index,
    tasks: tasks.map(aboutTask),
    seen: aboutSeen(seen),
    before: aboutSeen(before),
    measurements,
    kept: kept(),
  }
  const arrays: Record<string, NamedArray> = {}
  for (const { task, labels, classes, scores } of answers) {
    arrays[labelsOf(task)] = { shape: [labels.length], values: labels }
    for (const [readout, values] of Object.entries(scores))
      arrays[scoresOf(task) + readout] = { shape: [labels.length, classes], values }
  }
  return encodeArrays(arrays, { [key]: JSON.stringify(about) })
}

/**
 * Reads what `encodeAnswers` wrote.
 * @throws LgmError `checkpoint` for no or a damaged safetensors file, `answers` for one that holds something else; both name `where`.
 */
export function decodeAnswers(file: Uint8Array, where = 'answers'): SavedAnswers {
  const { arrays, metadata } = decodeArrays(file, where)
  const { version, ...about } = parseAbout(metadata[key], where)
  const classes = about.seen.names.length
  const answers = about.tasks.flatMap(({ index, test }): Answers[] => {
    const given = arrays[labelsOf(index)]
    if (!given) return []
    const labels = ids(given, test, classes, `${where}: ${labelsOf(index)}`)
    const prefix = scoresOf(index)
    const scores = Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), floats(array, [test, classes], `${where}: ${name}`)] as const)
    return [{ task: index, labels, classes, scores: Object.fromEntries(scores) }]
  })
  const named = answers.reduce((sum, { scores }) => sum + 1 + Object.keys(scores).length, 0)
  if (!about.tasks.some(({ index }) => index === about.task) || named !== Object.keys(arrays).length)
    throw other(where, 'arrays of the tasks that it names', `others: ${Object.keys(arrays).join(', ').slice(0, 60)}`)
  return { ...about, answers }
}

const labelsOf = (task: number) => `task-${task + 1}/labels`
const scoresOf = (task: number) => `task-${task + 1}/scores/`

function aboutTask({ index, name, classes, names, train, test }: Task) {
  return { index, name, classes, names, shape: train.shape, train: train.count, test: test.count }
}

function aboutSeen({ scenario, names, taskOf }: SeenClasses) {
  return { scenario, names, taskOf }
}

function parseAbout(text: string | undefined, where: string): z.output<typeof aboutSchema> {
  if (text === undefined) throw other(where, 'saved answers', 'a safetensors file of something else')
  try {
    return aboutSchema.parse(JSON.parse(text))
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : []
    throw other(where, 'saved answers of version 1', issue ? `${issue.path.join('.')}: ${issue.message}` : 'no JSON')
  }
}

function floats({ shape, values }: NamedArray, wanted: readonly number[], where: string): Float32Array {
  if (values instanceof Float32Array && shape.join() === wanted.join()) return values
  throw other(where, `float32 of shape [${wanted.join(', ')}]`, `${values.constructor.name} of [${shape.join(', ')}]`)
}

function ids({ shape, values }: NamedArray, count: number, classes: number, where: string): Int32Array {
  const fits = values instanceof Int32Array && shape.join() === `${count}`
  if (!fits) throw other(where, `int32 of shape [${count}]`, `${values.constructor.name} of [${shape.join(', ')}]`)
  const wrong = values.find(id => id < 0 || id >= classes)
  if (wrong !== undefined) throw other(where, `class ids below ${classes}`, `${wrong}`)
  return values
}

function other(where: string, what: string, got: string): Error {
  return expected(where, what, got, 'the file is damaged, or written by another version: run again', 'answers')
}
