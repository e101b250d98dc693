export * from './ewc.js'
export * from './fisher.js'
