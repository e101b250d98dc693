export * from './si.js'
