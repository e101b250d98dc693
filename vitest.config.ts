import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** What changes its process, or loads engines into it, and so has a process a file. */
const alone = [
  'packages/backends/**/src/**/*.test.ts',
  'packages/cli/src/**/*.test.ts',
  'tools/**/*.test.ts',
  'examples/recipes/**/*.test.ts',
  'examples/experiments/**/*.test.ts',
]

// Tests run on the sources: the condition "source" of each package's exports points there.
export default defineConfig({
  resolve: { conditions: ['source'] },
  // Said here too, because the tsconfig.json of a package does not speak of its tests.
  oxc: { decorator: { legacy: true } },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    pool: 'forks',
    // Vitest leaves one core free, which of two is half of the machine.
    maxWorkers: availableParallelism(),
    // Far above what any test takes, because a shared machine can be ten times slower.
    testTimeout: 120_000,
    // TensorFlow.js advertises its native engine once per process.
    onConsoleLog: text => !text.includes('looks like you are running TensorFlow.js in Node.js'),
    server: { deps: { inline: [/@lgm\//] } },
    projects: [
      {
        extends: true,
        test: {
          name: 'methods',
          include: ['packages/**/src/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...alone],
          // To load TensorFlow.js takes longer than most files' tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, exclude: ['**/node_modules/**', '**/dist/**'] },
      },
    ],
  },
})
