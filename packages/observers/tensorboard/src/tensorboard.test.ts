import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import type { LearnerEvent, Measurement, Observer } from '@lgm/core'
import { checkObserver } from '@lgm/testing'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { crc32c } from './crc32c.js'
import { histogramOf } from './histogram.js'
import { tensorboard } from './index.js'

const shared = mkdtempSync(join(tmpdir(), 'lgm-tensorboard-'))
afterAll(() => rmSync(shared, { recursive: true, force: true }))
let made = 0
checkObserver({ plugin: () => tensorboard({ folder: join(shared, `${made++}`) }) })

/** CRC-32C of TFRecord files, bit by bit, and masked as their documentation says. */
function checksum(bytes: Buffer): number {
  let rest = 0xffffffff
  for (const byte of bytes) {
    rest ^= byte
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (0x82f63b78 * (rest & 1))
  }
  const sum = BigInt(~rest >>> 0)
  return Number(((((sum >> 15n) | (sum << 17n)) & 0xffffffffn) + 0xa282ead8n) & 0xffffffffn)
}

/** The data of all records; both checksums of each must be right, and nothing may follow the last. */
function recordsOf(file: Buffer): Buffer[] {
  const records: Buffer[] = []
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at))
    expect(file.readUInt32LE(at + 8)).toBe(checksum(file.subarray(at, at + 8)))
    const data = file.subarray(at + 12, at + 12 + length)
    expect(file.readUInt32LE(at + 12 + length)).toBe(checksum(data))
    records.push(data)
    at += 16 + length
  }
  return records
}

/** The fields of a protocol buffer message by their numbers, as the encoding's documentation has them; floats and lengths as bytes. */
function fieldsOf(message: Buffer): Map<number, (bigint | Buffer)[]> {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(message[at++]!)
      value |= (byte & 127n) << shift
      if (byte < 128n) return value
    }
  }
  const take = (length: number) => {
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const key = Number(varint())
    const readers: Record<number, () => bigint | Buffer> = {
      0: varint,
      1: () => take(8),
      2: () => take(Number(varint())),
      5: () => take(4),
    }
    const value = readers[key & 7]!()
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value])
  }
  return fields
}

/** One value of a summary, by the names that TensorFlow's summary.proto gives its fields. */
interface Shown {
  readonly step: number
  readonly tag: string
  readonly description?: string
  readonly scalar?: number
  readonly histogram?: {
    min: number
    max: number
    num: number
    sum: number
    squares: number
    limits: number[]
    counts: number[]
  }
  readonly image?: { height: number; width: number; channels: number; png: Buffer }
  readonly text?: string
}

function shown(path: string): Shown[] {
  const events = recordsOf(readFileSync(path)).map(fieldsOf)
  expect(String(events[0]!.get(3))).toBe('brain.Event:2')
  return events.slice(1).flatMap(event => {
    const time = (event.get(1)![0] as Buffer).readDoubleLE()
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60)
    const step = Number(event.get(2)![0])
    return fieldsOf(event.get(5)![0] as Buffer)
      .get(1)!
      .map(value => readValue(fieldsOf(value as Buffer), step))
  })
}

function readValue(value: Map<number, (bigint | Buffer)[]>, step: number): Shown {
  const bytes = (number: number) => value.get(number)?.[0] as Buffer | undefined
  const [scalar, image, histogram, tensor, metadata] = [2, 4, 5, 8, 9].map(bytes)
  const description = metadata && fieldsOf(metadata).get(3)
  // DataClass: scalar 1, tensor 2
  if (description) expect(fieldsOf(metadata).get(4)).toEqual([scalar ? 1n : 2n])
  return {
    step,
    tag: String(bytes(1)),
    ...(description && { description: String(description) }),
    ...(scalar && { scalar: scalar.readFloatLE() }),
    ...(image && { image: readImage(fieldsOf(image)) }),
    ...(histogram && { histogram: readHistogram(fieldsOf(histogram)) }),
    ...(tensor && { text: String(fieldsOf(tensor).get(8)![0]) }),
  }
}

function readImage(image: Map<number, (bigint | Buffer)[]>) {
  const [height, width, channels] = [1, 2, 3].map(number => Number(image.get(number)![0]))
  return { height: height!, width: width!, channels: channels!, png: image.get(4)![0] as Buffer }
}

function readHistogram(histogram: Map<number, (bigint | Buffer)[]>) {
  const [min, max, num, sum, squares] = [1, 2, 3, 4, 5].map(number =>
    (histogram.get(number)![0] as Buffer).readDoubleLE(),
  )
  const list = (number: number) => {
    const packed = histogram.get(number)![0] as Buffer
    return Array.from({ length: packed.length / 8 }, (_, i) => packed.readDoubleLE(8 * i))
  }
  return { min: min!, max: max!, num: num!, sum: sum!, squares: squares!, limits: list(6), counts: list(7) }
}

/** A PNG file of one colour: signature and chunks IHDR, IDAT, IEND, whose checksums are those of zlib. */
function png(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data])
    let rest = 0xffffffff
    for (const byte of body) {
      rest ^= byte
      for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (0xedb88320 * (rest & 1))
    }
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.length)
    frame.writeUInt32BE(~rest >>> 0, 4)
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width)
  head.writeUInt32BE(height, 4)
  head.set([8, 2, 0, 0, 0], 8)
  const rows = Buffer.alloc((1 + 3 * width) * height, 128).map((byte, i) => (i % (1 + 3 * width) === 0 ? 0 : byte))
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return new Uint8Array(
    Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]),
  )
}

const engine = { name: 'cpu', version: '1', threads: 1 }
const start = (seed: number): LearnerEvent => ({ type: 'run-start', tasks: ['0, 1', '2, 3'], seed, engine })
const task = (index: number): LearnerEvent => ({ type: 'task-start', task: index, name: 'a', classes: [] })
const step = (done: number, loss: number): LearnerEvent => ({
  type: 'step',
  fit: 'learn',
  step: done,
  of: 100,
  terms: { current: loss, 'regularizer/ewc': 0.5 },
  shares: { 'regularizer/ewc': 0.25 },
})
const list: Measurement = {
  name: 'accuracy/head',
  value: [1, 0.5, null],
  unit: 'fraction',
  axis: 'task',
  aggregation: 'mean over the test set',
}
const number: Measurement = {
  name: 'accuracy-seen/head',
  value: 0.75,
  unit: 'fraction',
  aggregation: 'mean over tasks',
}
const end = (index: number): LearnerEvent => ({
  type: 'task-end',
  task: index,
  measurements: [list, number],
  seconds: 2,
})

describe('the tensorboard observer', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lgm-tensorboard-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const observer = (given: Parameters<typeof tensorboard>[0] = {}): Observer => {
    const { definition, options } = tensorboard({ folder, interval: 3600, ...given })
    return new definition.class(options) as Observer
  }
  const hear = (writer: Observer, ...events: LearnerEvent[]) => {
    for (const event of events) writer.notice(event)
  }
  const files = () =>
    readdirSync(folder).map(run => {
      const [file, ...more] = readdirSync(join(folder, run))
      expect(more).toEqual([])
      expect(file).toMatch(/^events\.out\.tfevents\.\d{10}\./)
      return join(folder, run, file!)
    })
  const seen = () => shown(files()[0]!)

  test('writes losses and shares by fit, at the steps of the whole run', () => {
    const writer = observer()
    hear(writer, start(7), task(0), step(20, 2), step(100, 1.5), task(1), step(20, 4))
    writer.close?.()
    expect(readdirSync(folder)[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-seed-7$/)
    const curve = (tag: string) => seen().flatMap(value => (value.tag === tag ? [[value.step, value.scalar]] : []))
    expect(curve('loss/learn/current')).toEqual([
      [20, 2],
      [100, 1.5],
      [120, 4],
    ])
    expect(curve('loss/learn/regularizer/ewc')).toEqual([
      [20, 0.5],
      [100, 0.5],
      [120, 0.5],
    ])
    expect(curve('share/learn/regularizer/ewc')).toEqual([
      [20, 0.25],
      [100, 0.25],
      [120, 0.25],
    ])
    const about = seen()
      .filter(({ tag }) => tag === 'loss/learn/current')
      .map(({ description }) => description)
    expect(about).toEqual(['loss term, mean over the steps since the last point', undefined, undefined])
    expect(curve('task')).toEqual([
      [0, 1],
      [100, 2],
    ])
    expect(
      seen()
        .filter(({ tag }) => tag === 'run')
        .map(({ text }) => text),
    ).toEqual(['2 tasks, seed 7; engine cpu (1), 1 thread\n\n1. 0, 1\n2. 2, 3'])
  })

  test('writes figures with their unit; a list as a histogram and as a curve for each of the first tasks', () => {
    const writer = observer({ curves: 1 })
    const summary = [{ ...number, name: 'ACC/head', value: 0.5 }]
    const phase: LearnerEvent = { type: 'phase-end', task: 0, phase: 'learn', seconds: 1.5 }
    hear(writer, start(0), step(40, 1), phase, end(0), { type: 'run-end', summary, seconds: 3 })
    writer.close?.()
    const figures = seen().slice(4)
    const of = (measurement: Measurement) => `fraction; ${measurement.aggregation}`
    // of 1 and 0.5: thirty buckets of width 1/60 from 0.5 on, one value in the first and one in the last
    const counts = [1, ...new Array(28).fill(0), 1]
    const limits = counts.map((_, k) => expect.closeTo(0.5 + (k + 1) / 60, 12))
    expect(figures).toEqual([
      { step: 40, tag: 'seconds/learn', description: 'seconds', scalar: 1.5 },
      {
        step: 40,
        tag: 'accuracy/head',
        description: of(list),
        histogram: { min: 0.5, max: 1, num: 2, sum: 1.5, squares: 1.25, limits, counts },
      },
      { step: 40, tag: 'accuracy/head/task-1', description: of(list), scalar: 1 },
      { step: 40, tag: 'accuracy-seen/head', description: of(number), scalar: 0.75 },
      { step: 40, tag: 'seconds/task', description: 'seconds', scalar: 2 },
      { step: 40, tag: 'summary/ACC/head', description: of(number), scalar: 0.5 },
    ])
  })

  test('writes pictures with their size', () => {
    const writer = observer()
    const file = png(5, 3)
    hear(writer, start(0), { type: 'picture', task: 0, name: 'sample-quality', png: file })
    writer.close?.()
    const image = { width: 5, height: 3, channels: 3, png: Buffer.from(file) }
    expect(seen().slice(1)).toEqual([{ step: 0, tag: 'sample-quality', image }])
  })

  test('writes at the end of a task, and why a run failed', () => {
    const writer = observer()
    hear(writer, start(0), step(20, 1))
    expect(seen()).toEqual([])
    hear(writer, end(0))
    expect(seen().length).toBeGreaterThan(5)
    hear(writer, { type: 'run-failed', message: 'too hot' })
    expect(seen().at(-1)).toEqual({ step: 20, tag: 'run', text: 'failed: too hot' })
    writer.close?.()
  })

  test('gives each run a folder of its own, and a resumed run its old one, with every event once', () => {
    const first = observer()
    hear(first, start(1), step(100, 1), end(0))
    const mark = JSON.parse(JSON.stringify(first.mark?.()))
    hear(first, task(1), step(20, 9), end(1))
    first.close?.()
    const again = observer()
    again.rewind?.(mark)
    hear(again, { type: 'run-resume', task: 1, tasks: ['0, 1', '2, 3'], engine }, task(1), step(20, 3), end(1))
    expect(files()).toHaveLength(1)
    const losses = seen().filter(({ tag }) => tag === 'loss/learn/current')
    expect(losses.map(({ step, scalar }) => [step, scalar])).toEqual([
      [100, 1],
      [120, 3],
    ])
    hear(again, start(1), start(1))
    again.close?.()
    expect(files()).toHaveLength(3)
    expect(() => observer().rewind?.(5)).toThrow(/observer "tensorboard": expected a mark of its own, got 5; /)
  })

  test('makes nothing when it hears nothing, and says where it cannot write', () => {
    observer().close?.()
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(join(folder, 'file'), '')
    expect(() => hear(observer({ folder: join(folder, 'file') }), start(0))).toThrow(
      /observer "tensorboard": expected to make a folder in .*file, got .*; name another folder/,
    )
  })

  test("is read by TensorBoard's own reader, where its Python package is installed", ({ skip }) => {
    const python = process.env.TENSORBOARD_PYTHON ?? 'python3'
    const installed = spawnSync(python, ['-c', 'import tensorboard']).status === 0
    skip(!installed, `${python} has no package tensorboard; TENSORBOARD_PYTHON names another Python`)
    const writer = observer()
    hear(writer, start(7), task(0), step(20, 2), step(100, 1.5), end(0))
    hear(writer, { type: 'picture', task: 0, name: 'sample-quality', png: png(5, 3) })
    writer.close?.()
    const { status, stdout, stderr } = spawnSync(python, ['-c', reader, join(folder, readdirSync(folder)[0]!)])
    expect([status, status === 0 ? '' : String(stderr)]).toEqual([0, ''])
    const read = JSON.parse(String(stdout))
    expect(Object.keys(read).sort()).toEqual(['histograms', 'images', 'scalars', 'text'])
    expect(read.scalars['loss/learn/current']).toEqual([
      [20, 2],
      [100, 1.5],
    ])
    expect(Object.keys(read.scalars).sort()).toEqual([
      'accuracy-seen/head',
      'accuracy/head/task-1',
      'accuracy/head/task-2',
      'loss/learn/current',
      'loss/learn/regularizer/ewc',
      'seconds/task',
      'share/learn/regularizer/ewc',
      'task',
    ])
    // left, right and count of each bucket: of 0.5 and 1 the outermost of thirty
    const [[at, buckets]] = read.histograms['accuracy/head']
    expect([at, buckets.length, buckets[0][0], buckets[0][2], buckets[29][1], buckets[29][2]]).toEqual([
      100, 30, 0.5, 1, 1, 1,
    ])
    expect(read.images['sample-quality'][0][1].slice(0, 2)).toEqual(['5', '3'])
    expect(read.text.run[0]).toEqual([0, '2 tasks, seed 7; engine cpu (1), 1 thread\n\n1. 0, 1\n2. 2, 3'])
  })
})

/** Prints what TensorBoard finds in a folder, by plugin and tag. */
const reader = `
import json, sys
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

found = EventAccumulator(sys.argv[1], tensor_size_guidance={'images': 0, 'text': 0})
found.Reload()
plain = lambda value: value.decode('latin-1') if isinstance(value, bytes) else value
values = lambda array: [plain(v) if not isinstance(v, list) else v for v in array.tolist()] if array.ndim else plain(array.item())
print(json.dumps({
    plugin: {tag: [[e.step, values(make_ndarray(e.tensor_proto))] for e in found.Tensors(tag)] for tag in found.PluginTagToContent(plugin)}
    for plugin in found.ActivePlugins()
}))
`

describe('what TensorBoard demands', () => {
  test('the checksum CRC-32C, by the examples of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  })

  test('histograms whose buckets hold every value once', () => {
    expect(histogramOf([3, 3])).toEqual({
      min: 3,
      max: 3,
      count: 2,
      sum: 6,
      sumOfSquares: 18,
      limits: [3],
      counts: [2],
    })
    // widths of 2: up to 2, up to 4, up to 6
    const { limits, counts } = histogramOf([0, 1, 2, 2.5, 6], 3)
    expect([limits, counts]).toEqual([
      [2, 4, 6],
      [3, 1, 1],
    ])
  })
})
