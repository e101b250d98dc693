export { console } from './console.js'
export { figure, mean, number, quantity, seconds } from './figures.js'
export { Progress } from './progress.js'
export { summaryTable, table } from './table.js'
