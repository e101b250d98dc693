export * from './features.js'
