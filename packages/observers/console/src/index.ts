export { console } from './console.js'
export { figure, number, seconds } from './figures.js'
export { summaryTable, table } from './table.js'
