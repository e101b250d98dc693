export * from './folder.js'
