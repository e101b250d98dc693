export * from './permuted.js'
