export * from './batches.js'
export * from './memory.js'
export * from './networks.js'
