import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LearnerEvent, Observer } from '@lgm/core'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { pictures } from './pictures.js'

const base = mkdtempSync(join(tmpdir(), 'lgm-pictures-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))
let folder = ''
let made = 0
beforeEach(() => {
  folder = join(base, `${made++}`)
})

const observer = (): Observer => {
  const { definition, options } = pictures({ folder })
  return new definition.class(options) as Observer
}
const picture = (task: number, name = 'samples'): LearnerEvent => ({
  type: 'picture',
  task,
  name,
  png: Uint8Array.of(137, 80, 78, 71, task),
})

test('each picture is a file of its name and task, with the bytes that were sent', () => {
  const writer = observer()
  for (const task of [0, 1]) writer.notice(picture(task))
  expect(readdirSync(folder).sort()).toEqual(['samples-task-1.png', 'samples-task-2.png'])
  expect([...readFileSync(join(folder, 'samples-task-2.png'))]).toEqual([137, 80, 78, 71, 1])
})

test('without a picture there is no folder', () => {
  observer().notice({ type: 'run-failed', message: '' })
  expect(readdirSync(base)).not.toContain(folder.slice(base.length + 1))
})

test('no name leads out of the folder', () => {
  observer().notice(picture(0, '../../samples/of.all'))
  expect(readdirSync(folder)).toEqual(['-samples-of-all-task-1.png'])
})

test('it says which file it cannot write', () => {
  writeFileSync(folder, '')
  expect(() => observer().notice(picture(0))).toThrow(
    /observer "pictures": expected to write .*samples-task-1\.png, got /,
  )
})
