export * from './mlp.js'
