import { type Answers, type Examples, LgmError, type RunFacts, type Task, type TaskState } from '@lgm/core'
import type { SavedAnswers } from './answers.js'

/** What evaluators are told of a run. */
export interface Told {
  readonly state: TaskState
  readonly answers: readonly Answers[]
  readonly facts: RunFacts
}

/** Thrown where something is read that is not saved; the message is its name. */
export class NotSaved extends LgmError {
  constructor(what: string) {
    super('not-saved', what)
    this.name = 'NotSaved'
  }
}

/** What evaluators were told then, with what was not saved throwing `NotSaved` as soon as it is read: so nobody takes it for absent. */
export function asTold({ task: index, tasks, seen, before, measurements, kept, answers }: SavedAnswers): Told {
  const labels = new Map(answers.map(answer => [answer.task, answer.labels]))
  const all = tasks.map(task => taskOf(task, labels.get(task.index)))
  const task = all.find(task => task.index === index)
  const state = without(
    { task, seen, before, measurements },
    {
      model: 'the model',
      previous: 'the model before the task',
      recall: 'recall',
      decodedRecall: 'decoded recall',
    },
  ) as unknown as TaskState
  const facts = without({ tasks: all, kept: () => kept }, { seconds: 'seconds by phase' }) as unknown as RunFacts
  return { state, answers, facts }
}

function taskOf(
  { index, name, classes, names, shape, train, test }: SavedAnswers['tasks'][number],
  labels?: Int32Array,
) {
  const known = {
    index,
    name,
    classes,
    names,
    train: examplesOf({ count: train, shape }, 'the training examples'),
    test: examplesOf({ count: test, shape, ...(labels && { labels }) }, 'the test examples'),
  }
  return without(known, { validation: 'the validation examples' }) as Task
}

function examplesOf(known: Partial<Examples>, what: string): Examples {
  const read = () => {
    throw new NotSaved(what)
  }
  return without({ ...known, read }, known.labels ? {} : { labels: `the labels of ${what}` }) as Examples
}

/** An object in which some keys, each with what it stands for, cannot be read. A copy by spreading leaves them behind. */
function without<Known extends object>(known: Known, missing: Readonly<Record<string, string>>): Known {
  for (const [key, what] of Object.entries(missing))
    Object.defineProperty(known, key, {
      get() {
        throw new NotSaved(what)
      },
    })
  return known
}
