#!/usr/bin/env node
/**
 * `lgm-setup-native [--force]`: sets up the native engine. Exit code 0 when it is ready, 1 when this machine cannot have
 * it, 2 for a wrong argument.
 */
import { setupNative } from './index.mjs'

const parameters = process.argv.slice(2)
const unknown = parameters.find(parameter => parameter !== '--force')
if (unknown !== undefined) {
  console.error(`lgm-setup-native: expected --force or nothing, got ${unknown}; run: lgm-setup-native [--force]`)
  process.exit(2)
}
const result = await setupNative({ log: line => console.log(line), force: parameters.includes('--force') })
if (result.ok) {
  console.log(`native engine: ready, TensorFlow ${result.tensorflow} (${result.how}), ${result.seconds.toFixed(1)} s`)
  console.log(`  ${result.addon}`)
} else {
  console.error(`native engine: not available: ${result.why}; ${result.remedy}`)
  process.exitCode = 1
}
