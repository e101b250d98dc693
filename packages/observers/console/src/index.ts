export { console } from './console.js'
export { figure, mean, number, quantity, seconds } from './figures.js'
export { summaryTable, table } from './table.js'
