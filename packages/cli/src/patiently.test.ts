import { afterEach, expect, test, vi } from 'vitest'
import { patiently } from './patiently.js'

afterEach(() => vi.restoreAllMocks())

test('what takes long is told of, every two seconds at most, and what does not is not', () => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const heard: string[] = []
  const say = patiently(text => heard.push(text))
  for (now = 0; now <= 4500; now += 500) say(`after ${now} ms`)
  expect(heard).toEqual(['after 2000 ms', 'after 4000 ms'])
})
