export { type Flow, flowOptions } from './architecture.js'
export * from './coupling.js'
export * from './parameters.js'
