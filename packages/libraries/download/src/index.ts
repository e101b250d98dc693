export * from './cache-folder.js'
export * from './download.js'
