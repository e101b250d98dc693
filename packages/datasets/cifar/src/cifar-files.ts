import { join } from 'node:path'
import { type Examples, range, sizeOf } from '@lgm/core'
import { openRecords, type Records } from '@lgm/records'
import { type CifarFormat, copyImage, copyLabels, countOf, imageShape, recordBytes } from './formats.js'

/** How many records are in memory while labels are read: 3 MB. */
const atOnce = 1000
const size = sizeOf(imageShape)

/**
 * Images of one part of a data set, from one or several files, behind one another. Labels are in memory; images are read when they are
 * asked for.
 *
 * @throws LgmError `data` as `countOf`, `copyLabels` and `openRecords` do.
 */
export function openCifar(folder: string, names: readonly string[], format: CifarFormat): Examples {
  const files = names.map(name => open(join(folder, name), format))
  const starts = files.map((_, i) => files.slice(0, i).reduce((sum, { count }) => sum + count, 0))
  const labels = new Int32Array(files.reduce((sum, { count }) => sum + count, 0))
  files.forEach((records, i) => {
    readLabels(records, format, labels.subarray(starts[i]))
  })
  const fileOf = (index: number) =>
    Math.max(
      0,
      starts.findLastIndex(start => index >= start),
    )
  return {
    count: labels.length,
    shape: imageShape,
    labels,
    read(indices) {
      const rows = new Float32Array(indices.length * size)
      const chosen = indices.map(fileOf)
      for (const file of new Set(chosen)) {
        const places = range(0, indices.length).filter(place => chosen[place] === file)
        const bytes = files[file]!.read(places.map(place => indices[place]! - starts[file]!))
        places.forEach((place, record) => {
          copyImage(bytes, record, format, rows, place * size)
        })
      }
      return rows
    },
  }
}

function open(file: string, format: CifarFormat): Records {
  return openRecords(file, 0, facts => ({
    offset: 0,
    bytes: recordBytes(format),
    count: countOf(facts.size, format, file),
  }))
}

function readLabels(records: Records, format: CifarFormat, labels: Int32Array): void {
  for (let from = 0; from < records.count; from += atOnce) {
    const some = range(from, Math.min(from + atOnce, records.count))
    copyLabels(records.read(some), format, records.file, labels, from)
  }
}
