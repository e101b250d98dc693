export * from './mnist.js'
