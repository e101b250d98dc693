export * from './idx-folder.js'
