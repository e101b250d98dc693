import { LgmError } from '@lgm/core'
import fc from 'fast-check'
import { hostileBytes, hostileText } from './hostile.js'

/** A parser of a user's bytes or text, as its fuzz test needs it. */
export interface CheckedParser<Input extends string | Uint8Array> {
  /** Whatever is returned counts as valid; a check of what is returned may stand in it. */
  readonly parse: (input: Input) => unknown
  /** Inputs that the parser reads, to be damaged. */
  readonly valid: readonly Input[]
  /** The codes of the errors that the parser may throw. */
  readonly codes: readonly string[]
  /** Bytes of memory that it may take for each byte of the input; 200 if absent. */
  readonly memory?: number
  /** Inputs made for this parser, beside those that every parser gets. */
  readonly more?: fc.Arbitrary<Input>
}

/** Bytes that a parser may take for any input, beside those for each byte of it. */
const allowance = 16_000_000

/** Milliseconds for one input: far more than any takes, because a shared machine can be ten times slower. */
const longest = 10_000

/** Longer messages cannot be read. */
const longestMessage = 2500

const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {}

/** How many inputs each parser gets: 10,000, or the number in the variable `LGM_FUZZ_RUNS` of the environment. */
export const fuzzRuns = Number(environment.LGM_FUZZ_RUNS ?? 10_000)

/**
 * Gives a parser 10,000 inputs: any bytes, and valid files whose bytes, numbers, keys and nesting were damaged. Each must be read, or
 * refused with an `LgmError` of a code that is known and a message that can be shown, in memory in proportion to the
 * input, leaving the prototypes of all objects as they were.
 *
 * The inputs are the same every time; with `LGM_FUZZ_RUNS` set they are others each time, and a failure names the seed.
 *
 * @returns how many inputs were read and how many refused, for the test to see that both occurred
 * @example
 * test('any bytes are read or refused', async () => {
 *   const { read, refused } = await checkParser({ parse: decodeIdx, valid: [file], codes: ['data'] })
 *   expect(Math.min(read, refused) / fuzzRuns).toBeGreaterThan(0.01)
 * })
 */
export async function checkParser<Input extends string | Uint8Array>({
  parse,
  valid,
  codes,
  memory = 200,
  more,
}: CheckedParser<Input>): Promise<{ readonly read: number; readonly refused: number }> {
  const any = (
    typeof valid[0] === 'string'
      ? hostileText(valid as readonly string[])
      : hostileBytes(valid as readonly Uint8Array[])
  ) as fc.Arbitrary<Input>
  const counts = { read: 0, refused: 0 }
  const seed = environment.LGM_FUZZ_RUNS === undefined ? { seed: 1 } : {}
  const property = fc.asyncProperty(more ? fc.oneof(any, more) : any, async input => {
    const before = allocated()
    const start = performance.now()
    try {
      const result = parse(input)
      if (result instanceof Promise) await result
      counts.read++
    } catch (error) {
      counts.refused++
      checkRefusal(error, codes)
    }
    must(performance.now() - start < longest, 'less than 10 s', () => `${performance.now() - start} ms`)
    const taken = allocated() - before
    must(taken < allowance + memory * input.length, 'memory in proportion to the input', () => `${taken} bytes`)
    must(prototypes.map(names).join() === sizes, 'prototypes as they were', () => 'changed ones')
  })
  const { counterexample, errorInstance, ...found } = await fc.check(property, { numRuns: fuzzRuns, ...seed })
  if (!found.failed) return counts
  const [input] = counterexample ?? []
  const shown = fc.stringify(input).slice(0, 800)
  const again = `seed ${found.seed}, path ${found.counterexamplePath}`
  throw new Error(`${errorInstance}, of ${shown} (${input?.length}); ${again}`, { cause: errorInstance })
}

function checkRefusal(error: unknown, codes: readonly string[]): void {
  if (!(error instanceof LgmError)) throw error
  const { code, message } = error
  must(codes.includes(code), `a code among ${codes}`, () => code)
  must(message.length < longestMessage, 'a message that can be read', () => `${message.length} characters`)
  // the message stands in a terminal: no sequence that moves its cursor or colours it
  must(!/[^\P{Cc}\n]/u.test(message), 'a message without control characters', () => JSON.stringify(message))
}

/** As `expect`, which takes as long as some parsers. */
function must(holds: boolean, what: string, got: () => string): void {
  if (!holds) throw new Error(`expected ${what}, got ${got()}`)
}

const names = (value: object) => Reflect.ownKeys(value).length
const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype]
const sizes = prototypes.map(names).join()

/** Bytes in use, as far as the platform tells. A collection in between makes the difference smaller, never larger. */
function allocated(): number {
  const { process } = globalThis as { process?: { memoryUsage?(): { heapUsed: number; arrayBuffers: number } } }
  const usage = process?.memoryUsage?.()
  return usage ? usage.heapUsed + usage.arrayBuffers : 0
}
