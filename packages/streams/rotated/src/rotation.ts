/** For each pixel of the turned image the four pixels that it is a mean of, and their weights, both `[height · width · 4]`. */
export interface Rotation {
  readonly sources: Int32Array
  readonly weights: Float32Array
}

/**
 * The sampling grid of a rotation by `degrees` counter-clockwise about the centre of an image, by bilinear interpolation. The pixel (y, x)
 * of the turned image is read at the point that the rotation brings there; what lies outside of the image counts as 0.
 */
export function rotation(height: number, width: number, degrees: number): Rotation {
  const radians = (degrees * Math.PI) / 180
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)]
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2]
  const sources = new Int32Array(height * width * 4)
  const weights = new Float32Array(height * width * 4)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [down, right] = [y - middleY, x - middleX]
      const fromY = exact(middleY + down * cos + right * sin)
      const fromX = exact(middleX + right * cos - down * sin)
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)]
      for (let corner = 0; corner < 4; corner++) {
        const [row, column] = [top + (corner >> 1), left + (corner & 1)]
        if (row < 0 || row >= height || column < 0 || column >= width) continue
        const at = (y * width + x) * 4 + corner
        sources[at] = row * width + column
        weights[at] = (1 - Math.abs(fromY - row)) * (1 - Math.abs(fromX - column))
      }
    }
  return { sources, weights }
}

/** Without the rounding error of sine and cosine, so that quarter turns move whole pixels. */
function exact(coordinate: number): number {
  return Math.round(coordinate * 1e9) / 1e9
}

/** Applies a rotation to `count` rows `[height, width, channels]`. */
export function rotate(
  rows: Float32Array,
  count: number,
  { sources, weights }: Rotation,
  channels: number,
): Float32Array {
  const turned = new Float32Array(rows.length)
  const pixels = sources.length / 4
  const number = (at: number, start: number) => weights[at]! * rows[start + sources[at]! * channels]!
  for (let i = 0; i < count; i++)
    for (let c = 0; c < channels; c++) {
      const start = i * pixels * channels + c
      for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 4)
        turned[start + pixel * channels] =
          number(at, start) + number(at + 1, start) + number(at + 2, start) + number(at + 3, start)
    }
  return turned
}
