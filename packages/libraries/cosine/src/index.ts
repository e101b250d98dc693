export * from './cosine.js'
