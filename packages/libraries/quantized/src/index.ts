export * from './levels.js'
export * from './quantized.js'
