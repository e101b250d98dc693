export { console } from './console.js'
export { figure, mean, number, seconds } from './figures.js'
export { summaryTable, table } from './table.js'
