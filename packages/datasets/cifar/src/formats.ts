import { expected } from '@lgm/core'

/** Which files there are, and what a record of them looks like: labels of one byte each, then red, green and blue of 32 × 32 pixels. */
export interface CifarFormat {
  readonly train: readonly string[]
  readonly test: readonly string[]
  /** How many labels stand before the pixels, and which is read. */
  readonly labels: number
  readonly label: number
  readonly classes: readonly string[]
}

/** The shape of an image. */
export const imageShape = [32, 32, 3] as const
const pixels = 32 * 32
const channels = 3

/** Bytes of an image and its labels: 3073 or 3074. */
export function recordBytes({ labels }: CifarFormat): number {
  return labels + channels * pixels
}

/**
 * How many records a file of `size` bytes has.
 * @throws LgmError `data` when it is not a whole number of them, or none.
 */
export function countOf(size: number, format: CifarFormat, file: string): number {
  const bytes = recordBytes(format)
  if (size > 0 && size % bytes === 0) return size / bytes
  throw expected(
    file,
    `a multiple of ${bytes} bytes, ${format.labels} for labels and ${channels * pixels} for pixels`,
    `${size}`,
    'unpack or fetch the file again; it is truncated, or of another format',
    'data',
  )
}

/**
 * Writes the labels of some records into `labels`, from the one with index `first` on.
 * @throws LgmError `data` for one that is no class.
 */
export function copyLabels(
  records: Uint8Array,
  format: CifarFormat,
  file: string,
  labels: Int32Array,
  first: number,
): void {
  const bytes = recordBytes(format)
  for (let i = 0; i * bytes < records.length; i++) {
    const label = records[i * bytes + format.label]!
    if (label >= format.classes.length)
      throw expected(
        file,
        `labels from 0 to ${format.classes.length - 1}`,
        `${label} in record ${first + i}`,
        'fetch the file again; it is damaged, or of another format',
        'data',
      )
    labels[first + i] = label
  }
}

/** Writes one record's pixels, which lie plane by plane, into `rows` from `to` on, pixel by pixel, scaled to 0 to 1. */
export function copyImage(
  records: Uint8Array,
  record: number,
  format: CifarFormat,
  rows: Float32Array,
  to: number,
): void {
  const from = record * recordBytes(format) + format.labels
  for (let channel = 0; channel < channels; channel++)
    for (let pixel = 0; pixel < pixels; pixel++)
      rows[to + pixel * channels + channel] = records[from + channel * pixels + pixel]! / 255
}
