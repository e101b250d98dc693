import { encode } from 'fast-png'

/** Pixels between images, and grey of what lies there. */
const gap = 2
const ground = 255

/** Whether examples of a shape can be drawn: `[height, width]`, or with 1 or 3 channels as a third number. */
export function isImage(shape: readonly number[]): boolean {
  return shape.length === 2 || (shape.length === 3 && (shape[2] === 1 || shape[2] === 3))
}

/**
 * A PNG file of images in a grid, `columns` to a row: `images` row-major `[n, ...shape]`, where shape is `[height, width]` or
 * `[height, width, 1 or 3]`; numbers from 0, black, to 1 are rounded to 8 bits, and cut where they are outside.
 */
export function gridPng(images: ArrayLike<number>, shape: readonly number[], columns: number): Uint8Array {
  const [height, width, channels = 1] = shape as [number, number, number?]
  const size = height * width * channels
  const across = columns * (width + gap) - gap
  const down = Math.ceil(images.length / size / columns) * (height + gap) - gap
  const data = new Uint8Array(across * down * channels).fill(ground)
  for (let i = 0; i < images.length; i++) {
    const [image, within] = [Math.floor(i / size), i % size]
    const x = (image % columns) * (width + gap) + (Math.floor(within / channels) % width)
    const y = Math.floor(image / columns) * (height + gap) + Math.floor(within / channels / width)
    data[(y * across + x) * channels + (within % channels)] = Math.round(255 * Math.min(1, Math.max(0, images[i]!)))
  }
  return encode({ width: across, height: down, data, channels })
}
