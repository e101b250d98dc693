export * from './accuracy.js'
export * from './metrics.js'
