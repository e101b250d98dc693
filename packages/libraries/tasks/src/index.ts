export * from './hold-out.js'
export * from './tasks.js'
