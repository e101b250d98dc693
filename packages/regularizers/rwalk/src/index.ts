export * from './rwalk.js'
