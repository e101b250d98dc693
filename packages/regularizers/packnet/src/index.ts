export * from './packnet.js'
