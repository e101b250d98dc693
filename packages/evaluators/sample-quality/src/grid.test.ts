import { decode } from 'fast-png'
import { expect, test } from 'vitest'
import { gridPng, isImage } from './grid.js'

test('images of one channel stand in rows, two white pixels between them', () => {
  // 1 × 2 images: [0, 1], [0.5, 0], [1, 1], two to a row: 2 + 2 + 2 pixels across, 1 + 2 + 1 down
  const { width, height, channels, depth, data } = decode(gridPng([0, 1, 0.5, 0, 1, 1], [1, 2, 1], 2))
  expect([width, height, channels, depth]).toEqual([6, 4, 1, 8])
  const white = new Array(6).fill(255)
  expect([...data]).toEqual([0, 255, 255, 255, 128, 0, ...white, ...white, 255, 255, 255, 255, 255, 255])
})

test('images of three channels are colours', () => {
  const { channels, data } = decode(gridPng([1, 0, 0.2], [1, 1, 3], 1))
  expect([channels, [...data]]).toEqual([3, [255, 0, 51]])
})

test('numbers outside 0 to 1 are cut', () => {
  expect([...decode(gridPng([-7, 1.5], [1, 2], 1)).data]).toEqual([0, 255])
})

test('vectors and maps of other channels are no images', () => {
  expect([[28, 28], [28, 28, 1], [32, 32, 3], [4], [4, 4, 2], [2, 2, 2, 2]].map(isImage)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})
