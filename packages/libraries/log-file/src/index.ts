export * from './log-file.js'
export * from './run-position.js'
