export * from './figures.js'
export * from './groups.js'
export * from './intervals.js'
export * from './runs.js'
