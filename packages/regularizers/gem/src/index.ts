export * from './gem.js'
