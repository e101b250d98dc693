export * from './dct.js'
