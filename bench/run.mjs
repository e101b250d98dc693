// `npm run bench`: training steps of the framework against a minimal loop by hand on TensorFlow.js, and PyTorch where
// `python3 -c "import torch"` works. Writes docs/results/bench/steps.json and the tables of docs/benchmarks.md.
import { spawn } from 'node:child_process'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { setup } from '../tools/setup.mjs'
import { endOnInterrupt, explain, root, run, StepFailed, step } from '../tools/steps.mjs'
import { writeResults } from './tables.mjs'
import * as workloads from './workloads.mjs'

/** @typedef {import('./workloads.mjs').Workload} Workload */
/** @typedef {import('./workloads.mjs').Time} Time */
/** @typedef {{ name: string, engine: string, process: Contestant, request?: object }} Entry */

const usage = `npm run bench -- [--engines native,wasm] [--threads 1,2] [--workloads mlp,vae,cnn,gan,gan-free] [--rounds 7] [--steps 60]
  --engines    native with each number of threads, wasm with one
  --rounds     blocks of each program, taken in turns
  --steps      steps of a block; a third of it on wasm`

/** A program that is measured, in a process of its own, which waits while the others run. */
class Contestant {
  #child
  #lines
  /** @type {any} */
  facts

  /** @param {string} program @param {string[]} parameters @param {Record<string, string>} environment */
  constructor(program, parameters, environment) {
    this.#child = spawn(program, parameters, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** @returns {Promise<any>} */
  async #answer() {
    const { value, done } = await this.#lines.next()
    if (done) throw new StepFailed('benchmark: a program that is measured ended; see above')
    return JSON.parse(value)
  }

  async started() {
    this.facts = await this.#answer()
    return this
  }

  /** @param {object} request @returns {Promise<any>} */
  ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    return this.#answer()
  }

  end() {
    this.#child.stdin.end()
    this.#child.kill()
  }
}

/**
 * The programs that take part, each waiting for requests.
 * @param {'native' | 'wasm'} engine
 * @param {number} threads
 * @param {boolean} withTorch
 * @returns {Promise<Entry[]>}
 */
async function start(engine, threads, withTorch) {
  const environment = {
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
    OMP_NUM_THREADS: String(threads),
  }
  const node = (/** @type {string[]} */ ...parameters) =>
    new Contestant(process.execPath, [join(root, 'bench', 'contestant.mjs'), ...parameters], environment).started()
  /** @type {Entry[]} */
  const entries = [
    { name: 'framework', engine, process: await node('framework', engine, 'ours') },
    { name: 'tfjs', engine, process: await node('minimal', engine, 'stock') },
    { name: 'tfjs, our kernels', engine, process: await node('minimal', engine, 'ours') },
  ]
  if (engine === 'wasm' || !withTorch) return entries
  const { batchSize, window, latent, widths, filters, codes, rate } = workloads
  const sizes = JSON.stringify({ batchSize, window, latent, widths, filters, codes, rate })
  const torch = await new Contestant(
    'python3',
    [join(root, 'bench', 'pytorch.py'), sizes, String(threads)],
    environment,
  ).started()
  return [
    ...entries,
    { name: 'PyTorch', engine: 'torch', process: torch },
    { name: 'PyTorch, fused Adam', engine: 'torch', process: torch, request: { fused: true } },
  ]
}

/**
 * Blocks of steps of every program in turns, so that what else the machine does meets all alike; then where the framework's
 * time goes.
 * @param {Entry[]} entries
 * @param {{ workload: Workload, rounds: number, steps: number, notice: (now: string) => void }} settings
 */
async function compare(entries, { workload, rounds, steps, notice }) {
  const results = entries.map(({ name }) => ({
    name,
    milliseconds: /** @type {number[]} */ ([]),
    processor: /** @type {number[]} */ ([]),
    error: /** @type {string | undefined} */ (undefined),
  }))
  // The first round warms the programs up: JavaScript is compiled, memory is laid out.
  for (let round = 0; round <= rounds; round++)
    for (let turn = 0; turn < entries.length; turn++) {
      const k = (turn + round) % entries.length
      const [entry, result] = [entries[k], results[k]]
      if (!entry || !result || result.error) continue
      notice(`${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}, ${entry.name}`)
      const time = await entry.process.ask({ ask: 'step', workload, steps, ...entry.request })
      if (time.error) result.error = time.error
      else if (round > 0) {
        result.milliseconds.push((1000 * time.seconds) / steps)
        result.processor.push((1000 * time.cpu) / steps)
      }
    }
  return { workload, operations: workloads.operations(workload), results }
}

/** Best GFLOP/s of products of two 1024 × 1024 matrices. @param {Entry[]} entries @param {number} repetitions */
async function peaks(entries, repetitions) {
  /** @type {Record<string, number>} */
  const best = {}
  for (let round = 0; round < 3; round++)
    for (const { engine, process: program } of entries) {
      const { times } = await program.ask({ ask: 'product', steps: repetitions })
      best[engine] = Math.max(best[engine] ?? 0, (2 * 1024 ** 3) / Math.min(...times) / 1e9)
    }
  return best
}

/**
 * What the command line asks for.
 * @throws {StepFailed} when it cannot be understood
 */
function settings() {
  const options = /** @type {const} */ ({
    engines: { type: 'string', default: 'native,wasm' },
    threads: { type: 'string', default: [...new Set([1, Math.min(2, availableParallelism())])].join() },
    workloads: { type: 'string', default: Object.keys(workloads.titles).join() },
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  })
  const refuse = (/** @type {string} */ message) => new StepFailed(`bench: ${message}\n\n${usage}`, { exitCode: 2 })
  /** @type {ReturnType<typeof parseArgs<{ options: typeof options }>>['values']} */
  let values
  try {
    values = parseArgs({ options }).values
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error))
  }
  const list = (/** @type {string} */ name, /** @type {string} */ given, /** @type {string[]} */ known) => {
    const unknown = given.split(',').find(one => !known.includes(one))
    if (unknown !== undefined) throw refuse(`expected --${name} among ${known.join(', ')}, got ${unknown}`)
    return given.split(',')
  }
  const count = (/** @type {string} */ name, /** @type {string} */ given) => {
    if (!/^[1-9]\d*$/.test(given)) throw refuse(`expected --${name} to be a whole number from 1, got ${given}`)
    return Number(given)
  }
  return {
    help: values.help,
    engines: list('engines', values.engines, ['native', 'wasm']),
    threads: values.threads.split(',').map(given => count('threads', given)),
    chosen: /** @type {Workload[]} */ (list('workloads', values.workloads, Object.keys(workloads.titles))),
    rounds: count('rounds', values.rounds),
    steps: count('steps', values.steps),
  }
}

async function main() {
  const { help, engines, threads: counts, chosen, rounds, steps: wanted } = settings()
  if (help) return console.log(usage)
  const { engine: best } = await setup()
  const release = endOnInterrupt()
  let withTorch = false
  await step('PyTorch', async () => {
    withTorch = (await run('python3', ['-c', 'import torch'])).code === 0
    return withTorch ? 'takes part' : 'is not there: python3 -c "import torch" fails'
  })
  const groups = engines
    .filter(engine => engine !== 'native' || best === 'native')
    .flatMap(engine => (engine === 'native' ? counts.map(count => [engine, count]) : [[engine, 1]]))
  const load = loadavg()[0]
  const measured = []
  let torch
  for (const [engine, threads] of /** @type {['native' | 'wasm', number][]} */ (groups)) {
    const title = `${engine}, ${threads} thread${threads === 1 ? '' : 's'}`
    /** @type {Entry[]} */
    let entries = []
    await step(title, async () => {
      entries = await start(engine, threads, withTorch)
      return `${entries.length} programs ready`
    })
    torch ??= entries.find(entry => entry.engine === 'torch')?.process.facts.version
    const steps = Math.ceil(wanted / (engine === 'wasm' ? 3 : 1))
    /** @type {object[]} */
    const cases = []
    for (const workload of chosen)
      await step(`  ${workload}`, async notice => {
        const able = workloads.ours.includes(workload) ? entries.slice(0, 1) : entries
        const found = await compare(able, { workload, rounds, steps, notice })
        notice('where the time goes')
        const profile = await entries[0]?.process.ask({ ask: 'profile', workload, steps })
        cases.push({ ...found, profile })
        return summary(found.results)
      })
    let gigaflops = {}
    await step('  matMul 1024³', async () => {
      gigaflops = await peaks(entries, engine === 'wasm' ? 3 : 10)
      return Object.entries(gigaflops)
        .map(([name, rate]) => `${name} ${Number(rate).toFixed(0)} GFLOP/s`)
        .join(', ')
    })
    for (const entry of entries) entry.process.end()
    measured.push({ engine, threads, rounds, steps, gigaflops, cases })
  }
  writeResults('steps.json', {
    version: 1,
    command: `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`,
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${process.platform} ${process.arch}`,
      load,
    },
    versions: await versions(torch),
    measured,
  })
  release()
}

/** @param {string | undefined} torch */
async function versions(torch) {
  const { tf } = await import('./engine.mjs')
  const { findEngines } = await import('@lgm/backend-native/setup')
  return { node: process.versions.node, tfjs: tf.version.tfjs, tensorflow: findEngines()[0]?.tensorflow, torch }
}

/** @param {{ name: string, milliseconds: number[], error?: string | undefined }[]} results */
function summary(results) {
  return results
    .map(
      ({ name, milliseconds, error }) =>
        `${name} ${error ? 'fails' : `${workloads.median(milliseconds).toFixed(1)} ms`}`,
    )
    .join(', ')
}

try {
  await main()
} catch (error) {
  process.exitCode = explain(error)
}
