export * from './calibration.js'
export * from './probabilities.js'
export * from './reliability.js'
