export * from './cifar.js'
