export * from './buffer.js'
