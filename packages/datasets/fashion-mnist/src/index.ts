export * from './fashion-mnist.js'
export * from './fetch-data.js'
