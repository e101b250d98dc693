/** Remainders of all bytes by the reversed polynomial. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  return remainder
})

/** CRC-32 of bytes (ISO 3309, as of zip and PNG), as eight hexadecimal digits. */
export function crc32(bytes: Uint8Array): string {
  let sum = 0xffffffff
  for (let i = 0; i < bytes.length; i++) sum = (sum >>> 8) ^ table[(sum ^ bytes[i]!) & 0xff]!
  return (~sum >>> 0).toString(16).padStart(8, '0')
}
