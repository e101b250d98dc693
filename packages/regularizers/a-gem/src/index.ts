export * from './a-gem.js'
