export * from './mas.js'
