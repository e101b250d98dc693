/** One or more fields of a protocol buffer message, encoded; a message is its fields, one after the other. */
export type Field = Uint8Array

/** A whole number from 0 to 2⁵³ − 1: `int32`, `int64`, `enum`. */
export function whole(field: number, value: number): Field {
  const encoded = Buffer.allocUnsafe(lengthOf(value) + 1)
  encoded[0] = field << 3
  putVarint(encoded, 1, value)
  return encoded
}

/** A `double`. */
export function double(field: number, value: number): Field {
  const encoded = Buffer.allocUnsafe(9)
  encoded[0] = (field << 3) | 1
  encoded.writeDoubleLE(value, 1)
  return encoded
}

/** A `float`. */
export function float(field: number, value: number): Field {
  const encoded = Buffer.allocUnsafe(5)
  encoded[0] = (field << 3) | 5
  encoded.writeFloatLE(value, 1)
  return encoded
}

/** `bytes`, a `string`, or a message given by its fields. */
export function bytes(field: number, ...value: readonly (Uint8Array | string)[]): Field {
  const parts = value.map(part => (typeof part === 'string' ? Buffer.from(part) : part))
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const begin = 1 + lengthOf(length)
  const encoded = Buffer.allocUnsafe(begin + length)
  encoded[0] = (field << 3) | 2
  putVarint(encoded, 1, length)
  let at = begin
  for (const part of parts) {
    encoded.set(part, at)
    at += part.length
  }
  return encoded
}

/** `repeated double`, packed. */
export function doubles(field: number, values: readonly number[]): Field {
  const packed = Buffer.allocUnsafe(8 * values.length)
  for (const [i, value] of values.entries()) packed.writeDoubleLE(value, 8 * i)
  return bytes(field, packed)
}

/** How many bytes a varint takes. */
function lengthOf(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** Seven bits a byte, the lowest first; all but the last byte have the highest bit set. */
function putVarint(into: Uint8Array, at: number, value: number): void {
  let rest = value
  let end = at
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[end++] = (rest % 128) | 128
  into[end] = rest
}
