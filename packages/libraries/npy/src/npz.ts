import { expected, show } from '@lgm/core'
import { decodeNpy, type NpyArray } from './npy.js'
import { readZip } from './zip.js'

/** The arrays of a .npz file, each unpacked when it is asked for. */
export interface NpzFile {
  readonly names: readonly string[]
  /** @throws LgmError `data` when there is none of that name, and as `decodeNpy` and the zip reader do. */
  read(name: string): NpyArray
}

/**
 * Reads what `numpy.savez` and `numpy.savez_compressed` write: a zip file with a .npy file for each array. Other files in it are left
 * alone.
 *
 * @param file names the source in messages
 * @throws LgmError `data` for anything that is not such a zip file.
 */
export function decodeNpz(bytes: Uint8Array, file: string): NpzFile {
  const members = readZip(bytes, file)
  const names = [...members.keys()].filter(name => name.endsWith(ending)).map(name => name.slice(0, -ending.length))
  return {
    names,
    read(name) {
      const member = members.get(`${name}${ending}`)
      if (member) return decodeNpy(member(), `${file}: ${name}`)
      throw expected(file, `an array ${show(name)}`, `those named ${show(names)}`, 'name one of them', 'data')
    },
  }
}

const ending = '.npy'
