/**
 * The orthonormal basis of the discrete cosine transform of type II, row-major `[size, size]`: row k is the wave
 * √((2 − δₖ₀) / size) · cos(π (2i + 1) k / 2 size), i = 0 … size − 1 (Ahmed, Natarajan & Rao 1974, doi:10.1109/T-C.1974.223784).
 * Rows are orthonormal: the transpose is the inverse.
 */
export function cosineBasis(size: number): Float64Array {
  const basis = new Float64Array(size * size)
  for (let k = 0; k < size; k++) {
    const height = Math.sqrt((k === 0 ? 1 : 2) / size)
    for (let i = 0; i < size; i++) basis[k * size + i] = height * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * size))
  }
  return basis
}

/**
 * The `count` lowest frequencies [vertical, horizontal] of a `height` × `width` image, by their larger part, then by their sum, then
 * by the vertical part. So a square number count = k² that fits gives the k × k block; what lies between two squares begins the next
 * shell with its lowest sums.
 * @throws RangeError when an image has fewer frequencies than `count`.
 */
export function lowestFrequencies(height: number, width: number, count: number): [number, number][] {
  if (count > height * width)
    throw new RangeError(`expected at most ${height * width} frequencies of a ${height} × ${width} image, got ${count}`)
  const all = Array.from({ length: height * width }, (_, k): [number, number] => [Math.floor(k / width), k % width])
  const shell = ([i, j]: [number, number]) => Math.max(i, j)
  all.sort((a, b) => shell(a) - shell(b) || a[0] + a[1] - b[0] - b[1] || a[0] - b[0])
  return all.slice(0, count)
}

/**
 * The `count` lowest waves of a `height` × `width` image as columns, row-major `[height · width, count]`: column f is the product of
 * the vertical and the horizontal wave of the f-th of `lowestFrequencies`. Columns are orthonormal: x B are the coefficients of an
 * image x written as a row, and u Bᵀ is the image with coefficients u.
 * @throws RangeError when an image has fewer frequencies than `count`.
 */
export function imageBasis(height: number, width: number, count: number): Float32Array {
  const [vertical, horizontal] = [cosineBasis(height), cosineBasis(width)]
  const basis = new Float32Array(height * width * count)
  lowestFrequencies(height, width, count).forEach(([k, l], column) => {
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++)
        basis[(i * width + j) * count + column] = vertical[k * height + i]! * horizontal[l * width + j]!
  })
  return basis
}
