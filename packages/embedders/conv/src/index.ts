export * from './conv.js'
