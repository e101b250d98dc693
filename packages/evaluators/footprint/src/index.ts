export * from './footprint.js'
export * from './multiply-accumulates.js'
