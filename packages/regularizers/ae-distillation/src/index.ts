export * from './ae-distillation.js'
