export * from './attributes.js'
export * from './measures.js'
export * from './zero-shot.js'
