export * from './arrays.js'
