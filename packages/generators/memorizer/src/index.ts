export * from './memorizer.js'
