export * from './gaussian.js'
