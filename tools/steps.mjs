// Steps of the tools: one line each with its seconds, other programs' output only when they fail.
import { spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * Whether a file is the one that Node was started with.
 * @param {string} url its `import.meta.url`
 */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url)
}

/** A step that cannot go on: one line, what the program said, and the exit code that fits. */
export class StepFailed extends Error {
  /**
   * @param {string} message
   * @param {{ output?: string, exitCode?: number }} [details]
   */
  constructor(message, { output = '', exitCode = 1 } = {}) {
    super(message)
    this.name = 'StepFailed'
    this.output = output
    this.exitCode = exitCode
  }
}

const onTerminal = Boolean(process.stdout.isTTY) && !process.env.CI

/** @param {number} start as of `performance.now()` */
const secondsSince = start => `${((performance.now() - start) / 1000).toFixed(1)} s`

/**
 * Runs one step and prints its line: name, what `work` returns, seconds. While it lasts, `progress` is shown: in place on
 * a terminal, else as a line every ten seconds.
 * @param {string} name
 * @param {(progress: (now: string) => void) => string | Promise<string>} work
 */
export async function step(name, work) {
  const start = performance.now()
  let latest = ''
  const shown = () => `${name.padEnd(26)} … ${latest}${latest && ', '}${secondsSince(start)}`
  const ticking = onTerminal
    ? setInterval(() => process.stdout.write(`\r\x1b[K${shown().slice(0, (process.stdout.columns ?? 80) - 1)}`), 200)
    : setInterval(() => console.log(shown()), 10_000)
  try {
    const result = await work(now => {
      latest = now
    })
    clearLine()
    console.log(`${name.padEnd(26)} ${result}, ${secondsSince(start)}`)
  } catch (error) {
    clearLine()
    console.log(`${name.padEnd(26)} FAILED, ${secondsSince(start)}`)
    throw error
  } finally {
    clearInterval(ticking)
  }
}

function clearLine() {
  if (onTerminal) process.stdout.write('\r\x1b[K')
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/**
 * Runs a program without input, and keeps what it writes.
 * @param {string} program
 * @param {string[]} parameters
 * @param {{ folder?: string, environment?: Record<string, string>, line?: (line: string) => void, shell?: boolean, seconds?: number }} [options]
 *   `line` hears each line; `seconds` is the time limit
 * @returns {Promise<{ code: number, output: string, stdout: string }>} code −1 when it could not be started or was ended by a signal
 */
export function run(
  program,
  parameters,
  { folder = root, environment = {}, line = () => {}, shell = false, seconds } = {},
) {
  return new Promise(resolve => {
    const child = spawn(program, parameters, {
      cwd: folder,
      env: { ...cleanEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell,
      ...(seconds ? { timeout: seconds * 1000 } : {}),
    })
    running.add(child)
    let output = ''
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text
      stdout += text
      for (const said of text.trimEnd().split('\n')) line(said)
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      output += text
    })
    /** @type {(code: number, why: string) => void} */
    const end = (code, why) => {
      running.delete(child)
      resolve({ code, output: why ? `${output}\n${why}` : output, stdout })
    }
    child.once('error', error => end(-1, `${program} cannot be started: ${error.message}`))
    child.once('close', (code, signal) => end(code ?? -1, signal ? `${program} was ended by ${signal}` : ''))
  })
}

/** The environment without what an outer `npm run` says about this package: it would mislead an inner npm or pnpm. */
function cleanEnvironment() {
  const inherited = /^npm_(package_|lifecycle_|config_local_prefix|config_user_agent|execpath|command)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)))
}

/**
 * Runs a program that belongs to this repository.
 * @param {string} program
 * @param {string[]} parameters
 * @throws {StepFailed} with all that the program said
 */
export async function mustRun(program, parameters) {
  const outcome = await run(program, parameters)
  if (outcome.code !== 0) throw new StepFailed(`ended with exit code ${outcome.code}: see above`, outcome)
}

/**
 * Runs a task of turbo.json; its results are cached by the content of their inputs.
 * @param {string} task
 * @returns {Promise<'done' | 'unchanged'>} `unchanged` when it was taken from the cache
 * @throws {StepFailed} with all that the task said
 */
export async function turbo(task) {
  const program = join(root, 'node_modules', 'turbo', 'bin', 'turbo')
  // turbo starts the script by the pnpm that it finds on the path, and a bare machine has none.
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const environment = { PATH: path, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }
  const parameters = ['run', `//#${task}`, '--output-logs=errors-only', '--log-prefix=none']
  const { code, output } = await run(process.execPath, [program, ...parameters], { environment })
  if (code !== 0) {
    const [, said] = /\n> lgm@ .*\n([\s\S]*?)\n.{0,9}ELIFECYCLE/.exec(output) ?? []
    throw new StepFailed(`npm run ${task}: ended with an error: see above`, { output: said ?? output })
  }
  return output.includes('FULL TURBO') ? 'unchanged' : 'done'
}

/**
 * Ends this process as its shell expects after Ctrl-C: by the signal itself, so that npm adds no error report of its own.
 * @returns {never}
 */
export function endInterrupted() {
  if (process.platform !== 'win32') {
    process.on('exit', () => {
      process.removeAllListeners('SIGINT')
      process.kill(process.pid, 'SIGINT')
    })
  }
  process.exit(130)
}

/**
 * Until the returned function is called, Ctrl-C ends what `run` started and then this process.
 * @returns {() => void}
 */
export function endOnInterrupt() {
  const end = () => {
    clearLine()
    for (const child of running) child.kill('SIGTERM')
    console.log('interrupted; run the same command again to go on')
    endInterrupted()
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  return () => {
    process.removeListener('SIGINT', end)
    process.removeListener('SIGTERM', end)
  }
}

/**
 * Prints what went wrong and gives the exit code.
 * @param {unknown} error
 * @returns {number}
 */
export function explain(error) {
  if (!(error instanceof StepFailed)) {
    console.error(error)
    return 1
  }
  if (error.output) process.stdout.write(`${error.output.trimEnd()}\n`)
  console.error(error.message)
  return error.exitCode
}
