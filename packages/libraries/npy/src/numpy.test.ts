import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { range } from '@lgm/core'
import { expect, test } from 'vitest'
import { encodeNpy } from './npy.js'
import { openNpy } from './npy-file.js'
import { decodeNpz } from './npz.js'

/** Writes arrays of many types and shapes, with sums that depend on every number and its place, and reads one that we wrote. */
const script = `
import json, sys
import numpy as np
folder = sys.argv[1]
random = np.random.default_rng(7)
types = ['<f4', '<f8', '|u1', '<i4', '<i8']
shapes = [(1,), (5,), (4, 3), (3, 2, 2, 3), (65, 17)]
arrays = {}
for t in types:
    for i, shape in enumerate(shapes):
        x = random.uniform(0, 255, shape) - (0 if t == '|u1' else 99)
        arrays[f'{t[1:]}-{i}'] = x.astype(t)
facts = {}
for name, x in arrays.items():
    np.save(f'{folder}/{name}.npy', x)
    flat = x.astype('<f8').ravel()
    facts[name] = [list(x.shape), float((flat * (1 + np.arange(flat.size) % 97)).sum())]
np.savez(f'{folder}/stored.npz', **arrays)
np.savez_compressed(f'{folder}/deflated.npz', **arrays)
print(json.dumps([facts, np.load(f'{folder}/ours.npy', allow_pickle=False).tolist()]))
`

test('files and numbers go from NumPy to here and back, where Python has it', ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'lgm-numpy-'))
  try {
    writeFileSync(join(folder, 'ours.npy'), encodeNpy({ shape: [2, 2], values: Float32Array.of(1, -2, 0.5, 4) }))
    const { status, stdout, stderr } = spawnSync('python3', ['-c', script, folder])
    skip(status !== 0 && !/Error/.test(String(stderr)), 'there is no python3')
    skip(/No module named 'numpy'/.test(String(stderr)), 'python3 has no package numpy')
    expect([status, String(stderr)]).toEqual([0, ''])
    const [facts, ours] = JSON.parse(String(stdout)) as [Record<string, [number[], number]>, number[][]]
    expect(ours).toEqual([
      [1, -2],
      [0.5, 4],
    ])
    expect(Object.keys(facts).length).toBe(25)
    const zips = ['stored', 'deflated'].map(name => decodeNpz(readFileSync(join(folder, `${name}.npz`)), name))
    for (const [name, [shape, sum]] of Object.entries(facts)) {
      const file = openNpy(join(folder, `${name}.npy`))
      const rows = file.rows(range(0, file.shape[0]!))
      for (const array of [{ shape: file.shape, values: rows }, ...zips.map(zip => zip.read(name))]) {
        expect(array.shape, name).toEqual(shape)
        const weighed = Array.from<number>(array.values).reduce(
          (total: number, value: number, i: number) => total + value * (1 + (i % 97)),
          0,
        )
        expect(Math.abs(weighed - sum), name).toBeLessThan(1e-9 * Math.abs(sum) + 1e-6)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
