import { histogramOf } from './histogram.js'
import { bytes, double, doubles, type Field, float, whole } from './protobuf.js'

/*
 * The messages of an event file, by the numbers of their fields in TensorFlow's event.proto, summary.proto, histogram.proto and
 * tensor.proto.
 */

/** The first event of a file. `time` is in seconds since 1970. */
export function versionEvent(time: number): Field {
  return message(double(1, time), bytes(3, 'brain.Event:2'))
}

/** Values at one step. */
export function summaryEvent(time: number, step: number, values: readonly Field[]): Field {
  return message(double(1, time), whole(2, step), bytes(5, ...values))
}

/** A number, as a point of a curve. */
export function scalar(tag: string, value: number, description = ''): Field {
  return bytes(1, bytes(1, tag), float(2, value), ...metadata('scalars', description))
}

/** Finite numbers, at least one, as one row of a histogram. */
export function histogram(tag: string, values: readonly number[], description = ''): Field {
  const { min, max, count, sum, sumOfSquares, limits, counts } = histogramOf(values)
  const numbers = [double(1, min), double(2, max), double(3, count), double(4, sum), double(5, sumOfSquares)]
  return bytes(
    1,
    bytes(1, tag),
    ...metadata('histograms', description),
    bytes(5, ...numbers, doubles(6, limits), doubles(7, counts)),
  )
}

/** A picture: the bytes of a PNG file. */
export function picture(tag: string, png: Uint8Array): Field {
  const { width, height, channels } = headerOf(png)
  return bytes(1, bytes(1, tag), bytes(4, whole(1, height), whole(2, width), whole(3, channels), bytes(4, png)))
}

/** Markdown. */
export function text(tag: string, markdown: string): Field {
  const stringType = 7
  return bytes(
    1,
    bytes(1, tag),
    bytes(8, whole(1, stringType), bytes(2), bytes(8, markdown)),
    bytes(9, bytes(1, bytes(1, 'text'))),
  )
}

/** Numbers of the enum DataClass; without one, the reader in the server takes no description. */
const dataClasses = { scalars: 1, histograms: 2 }

function metadata(plugin: keyof typeof dataClasses, description: string): Field[] {
  if (description === '') return []
  return [bytes(9, bytes(1, bytes(1, plugin)), bytes(3, description), whole(4, dataClasses[plugin]))]
}

function message(...fields: readonly Field[]): Field {
  return Buffer.concat(fields)
}

/** Size and channels by the header of a PNG file; zeros where it is cut off. */
function headerOf(png: Uint8Array): { width: number; height: number; channels: number } {
  if (png.length < 26) return { width: 0, height: 0, channels: 0 }
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  // by color type: grey, –, RGB, palette, grey and alpha, –, RGB and alpha
  const channels = [1, 0, 3, 3, 2, 0, 4][view.getUint8(25)] ?? 0
  return { width: view.getUint32(16), height: view.getUint32(20), channels }
}
