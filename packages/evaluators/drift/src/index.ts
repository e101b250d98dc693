export * from './drift.js'
export * from './measures.js'
