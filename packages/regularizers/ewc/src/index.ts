export * from './ewc.js'
