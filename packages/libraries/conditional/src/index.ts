export * from './batches.js'
export * from './conditional.js'
export * from './memory.js'
export * from './rehearsal.js'
