export * from './distillation.js'
export * from './lwf.js'
