import { expectClose } from '@lgm/testing'
import { expect, test } from 'vitest'
import { areaUnder, harmonicMean, openAccuracy, seenUnseenCurve } from './measures.js'

// classes 0 and 1 were trained, 2 and 3 were not; two examples of each kind
const open = {
  scores: [
    ...[5, 0, 3, 1], // of 0: seen best by 2, and right
    ...[0, 4, 3, 0], // of 0: seen best by 1, and wrong
    ...[4, 0, 1, 0], // of 2: seen best by 3; right among unseen
    ...[0, 2, 0, 1], // of 3: seen best by 1; right among unseen
  ],
  classes: 4,
  labels: Int32Array.from([0, 0, 2, 3]),
  seen: [true, true, false, false],
}

test('without a penalty, seen classes win everything here', () => {
  expect(openAccuracy(open)).toEqual({ seen: 1 / 2, unseen: 0 })
  expect(harmonicMean(openAccuracy(open))).toBe(0)
})

test('a penalty on seen classes lets unseen ones win, also when scores become equal', () => {
  expect(openAccuracy(open, 1)).toEqual({ seen: 1 / 2, unseen: 1 / 2 })
  expect(openAccuracy(open, 0.999)).toEqual({ seen: 1 / 2, unseen: 0 })
  expect(openAccuracy(open, 2)).toEqual({ seen: 0, unseen: 1 / 2 })
  expect(openAccuracy(open, 3)).toEqual({ seen: 0, unseen: 1 })
})

test('the curve has a point at every penalty at which an answer changes, and its area is by trapezoids', () => {
  const curve = seenUnseenCurve(open)
  // penalties below 1, from 1, from 2, from 3
  expect(curve).toEqual([
    { seen: 1 / 2, unseen: 0 },
    { seen: 1 / 2, unseen: 1 / 2 },
    { seen: 0, unseen: 1 / 2 },
    { seen: 0, unseen: 1 },
  ])
  expect(areaUnder(curve)).toBe(1 / 4)
  // where both change at once, the corner is cut
  expect(
    areaUnder([
      { seen: 1, unseen: 0 },
      { seen: 0, unseen: 1 },
    ]),
  ).toBe(1 / 2)
})

test('one that always knows has an area of 1, whatever it thinks of seen classes', () => {
  const right = (bonus: number) => ({
    scores: [9 + bonus, 0, 0, 9],
    classes: 2,
    labels: Int32Array.from([0, 1]),
    seen: [true, false],
  })
  expectClose([areaUnder(seenUnseenCurve(right(0)))!, areaUnder(seenUnseenCurve(right(5)))!], [1, 1], 1e-12)
})

test('each class counts alike, however many examples it has', () => {
  // of class 0 one of three right, class 1 its only one: (1/3 + 1) / 2
  const many = {
    scores: [1, 0, -9, 0, 1, -9, 0, 1, -9, 0, 1, -9],
    classes: 3,
    labels: Int32Array.from([0, 0, 0, 1]),
    seen: [true, true, false],
  }
  expectClose(openAccuracy(many).seen!, (1 / 3 + 1) / 2, 1e-12)
  expect(openAccuracy(many).unseen).toBeNull()
  expect(seenUnseenCurve(many)).toEqual([])
  expect([areaUnder([]), harmonicMean(openAccuracy(many))]).toEqual([null, null])
})

test('the harmonic mean is high only where both are', () => {
  expectClose(harmonicMean({ seen: 0.9, unseen: 0.3 })!, (2 * 0.9 * 0.3) / 1.2, 1e-12)
  expect(harmonicMean({ seen: 0.7, unseen: 0.7 })).toBe(0.7)
})
