export * from './rotated.js'
