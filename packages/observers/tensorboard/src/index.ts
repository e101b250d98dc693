export * from './tensorboard.js'
