export * from './gan.js'
export { gradientPenalty } from './penalty.js'
