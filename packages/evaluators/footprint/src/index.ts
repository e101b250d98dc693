export * from './footprint.js'
export * from './multiply-accumulates.js'
export * from './peak.js'
