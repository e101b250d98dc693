import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeArrays, encodeArrays } from './safetensors.js'

/** Reads ours with the reference implementation and says what it found; writes the same arrays, and some of 64 bits, with it. */
const script = `
import json, sys
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
folder = sys.argv[1]
ours = load_file(f'{folder}/ours.safetensors')
with safe_open(f'{folder}/ours.safetensors', 'np') as file:
    metadata = file.metadata()
facts = {name: [str(x.dtype), list(x.shape), x.astype('<f8').ravel().tolist()] for name, x in ours.items()}
save_file(ours, f'{folder}/theirs.safetensors', metadata=metadata)
save_file({'labels': np.array([[-1, 2**31 - 1]], dtype='<i8')}, f'{folder}/wide.safetensors')
save_file({'half': np.zeros(2, dtype='<f2')}, f'{folder}/half.safetensors')
print(json.dumps([facts, metadata]))
`

const arrays = {
  'head/0/kernel': { shape: [2, 3], values: Float32Array.of(0.1, -0, 1e-45, 3e38, -7, 2) },
  scalar: { shape: [], values: Float32Array.of(0.5) },
  none: { shape: [0, 3], values: new Float32Array(0) },
  'größe "1"': { shape: [3], values: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1) },
  // an odd number of bytes, after which nothing is aligned
  flags: { shape: [5], values: Uint8Array.of(1, 0, 0, 1, 1) },
  last: { shape: [1], values: Float32Array.of(0.25) },
}
const dtypes: Record<string, string> = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'bool' }

test('tensors go to the reference implementation of the format and back, where Python has it', ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'lgm-safetensors-'))
  try {
    writeFileSync(join(folder, 'ours.safetensors'), encodeArrays(arrays, { about: '{"ü":1}' }))
    const { error, status, stdout, stderr } = spawnSync('python3', ['-c', script, folder])
    skip(error !== undefined, 'there is no python3')
    const missing = /No module named '(numpy|safetensors)[.\w]*'/.exec(String(stderr))
    skip(missing !== null, `python3 has no package ${missing?.[1]}`)
    expect([status, String(stderr)]).toEqual([0, ''])
    const [facts, metadata] = JSON.parse(String(stdout)) as [Record<string, [string, number[], number[]]>, unknown]
    expect(metadata).toEqual({ about: '{"ü":1}' })
    const theirs = decodeArrays(readFileSync(join(folder, 'theirs.safetensors')))
    expect(theirs.metadata).toEqual({ about: '{"ü":1}' })
    expect(Object.keys(facts).sort()).toEqual(Object.keys(arrays).sort())
    expect(Object.keys(theirs.arrays).sort()).toEqual(Object.keys(arrays).sort())
    for (const [name, { shape, values }] of Object.entries(arrays)) {
      const [dtype, sides, numbers] = facts[name]!
      expect([dtype, sides], name).toEqual([dtypes[values.constructor.name], shape])
      expect(numbers, name).toEqual(Array.from<number>(values))
      expect(theirs.arrays[name], name).toEqual({ shape, values })
    }
    const wide = decodeArrays(readFileSync(join(folder, 'wide.safetensors')))
    expect(wide.arrays.labels).toEqual({ shape: [1, 2], values: Int32Array.of(-1, 2 ** 31 - 1) })
    const half = readFileSync(join(folder, 'half.safetensors'))
    expect(() => decodeArrays(half, 'half')).toThrow(
      /^half: expected dtype F32, I32, I64 or BOOL for "half", got "F16"/,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
