import { defineConfig } from 'vitest/config'

// Tests run on the sources: the condition "source" of each package's exports points there.
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  // Tests define plugins too, but stand outside their package's tsconfig.
  oxc: { decorator: { legacy: true } },
  test: {
    include: ['packages/**/src/**/*.test.ts', 'tools/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    testTimeout: 30_000,
    // TensorFlow.js advertises its native engine once per file.
    onConsoleLog: text => !text.includes('looks like you are running TensorFlow.js in Node.js'),
    server: { deps: { inline: [/@lgm\//] } },
  },
})
