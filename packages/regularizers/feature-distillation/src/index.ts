export * from './feature-distillation.js'
