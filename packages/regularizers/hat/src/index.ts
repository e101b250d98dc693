export * from './hat.js'
