/**
 * Runs other programs: with a time limit, with their output kept for messages, and ended when this process is.
 */
import { spawn } from 'node:child_process'

/**
 * @typedef {object} Outcome
 * @property {boolean} ok it ended with code 0
 * @property {string} output what it wrote to standard output
 * @property {string} problem one line on why it is not ok, empty when it is
 */

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {string[]} parameters
 * @param {{ seconds?: number, folder?: string, environment?: Record<string, string> }} [options] `seconds` is the time limit
 * @returns {Promise<Outcome>}
 */
export function runCommand(program, parameters, { seconds = 60, folder, environment } = {}) {
  return new Promise(resolve => {
    const child = spawn(program, parameters, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const end = () => child.kill('SIGKILL')
    const limit = setTimeout(end, seconds * 1000)
    process.once('exit', end)
    const chunks = { output: '', errors: '' }
    child.stdout.on('data', data => {
      chunks.output += data
    })
    child.stderr.on('data', data => {
      chunks.errors += data
    })
    /** @type {(problem: string) => void} */
    const finish = problem => {
      clearTimeout(limit)
      process.removeListener('exit', end)
      resolve({ ok: problem === '', output: chunks.output, problem })
    }
    child.once('error', error => finish(`${program} cannot be started (${error.message})`))
    child.once('close', (code, signal) => {
      if (code === 0) return finish('')
      const why = signal ? `ended by ${signal}` : `exit code ${code}`
      finish(`${lastWords(chunks.errors) || lastWords(chunks.output) || program} (${why})`)
    })
  })
}

/**
 * The most telling line of a program's output: the first that names an error, else the last that is not empty.
 * @param {string} text
 * @returns {string}
 */
function lastWords(text) {
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  const telling = lines.find(line => /error[: ]/i.test(line)) ?? lines.at(-1) ?? ''
  return telling.length > 240 ? `${telling.slice(0, 240)}…` : telling
}
