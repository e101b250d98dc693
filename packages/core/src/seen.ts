import type { SeenClasses, Task } from './contracts.js'
import { expected } from './errors.js'

/** No classes yet. */
export function noClasses(scenario: SeenClasses['scenario']): SeenClasses {
  return { scenario, names: [], taskOf: [] }
}

/**
 * The seen classes with those of `task` added. New ids must follow on from the old ones.
 * @throws LgmError `data` for an empty task, a gap in the ids, or a class of an earlier task where tasks may not share classes.
 */
export function addClasses(seen: SeenClasses, task: Task): SeenClasses {
  const where = `task ${task.index + 1} ("${task.name}")`
  if (task.train.count === 0)
    throw expected(where, 'at least one training example', 'none', 'remove the task or give it data', 'data')
  if (task.names.length !== task.classes.length)
    throw expected(where, `names of its ${task.classes.length} classes`, `${task.names.length}`, 'name each', 'data')
  const names = [...seen.names]
  const taskOf = [...seen.taskOf]
  task.classes.forEach((id, k) => {
    if (id < names.length) return
    if (id > names.length)
      throw expected(where, `class id ${names.length} next`, `${id}`, 'number classes in order of appearance', 'data')
    names.push(task.names[k]!)
    taskOf.push(task.index)
  })
  for (const part of [task.train, task.test])
    for (const label of part.labels)
      if (!task.classes.includes(label))
        throw expected(
          where,
          `labels among its classes ${task.classes.join(', ')}`,
          `${label}`,
          'correct the labels or the list of classes',
          'data',
        )
  return { scenario: seen.scenario, names, taskOf }
}
