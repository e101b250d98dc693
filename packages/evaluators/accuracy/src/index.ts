export * from './accuracy.js'
export * from './guesses.js'
export * from './metrics.js'
