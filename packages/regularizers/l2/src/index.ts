export * from './l2.js'
