import { crc32c } from './crc32c.js'

/** One record of a TFRecord file: length as 8 bytes, its checksum, the data, its checksum; all of them little-endian. */
export function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length + 4)
  bytes.writeBigUInt64LE(BigInt(data.length))
  bytes.writeUInt32LE(masked(bytes.subarray(0, 8)), 8)
  bytes.set(data, 12)
  bytes.writeUInt32LE(masked(data), 12 + data.length)
  return bytes
}

/** A CRC-32C, turned right by 15 bits and moved, since the checksum of data that holds checksums is a weak one. */
function masked(bytes: Uint8Array): number {
  const sum = crc32c(bytes)
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
}
