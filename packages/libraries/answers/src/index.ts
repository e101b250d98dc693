export * from './answers.js'
export * from './evaluation.js'
