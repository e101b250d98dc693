export * from './idx.js'
