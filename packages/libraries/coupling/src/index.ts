export { type Flow, flowOptions } from './architecture.js'
export * from './flow.js'
export * from './parameters.js'
