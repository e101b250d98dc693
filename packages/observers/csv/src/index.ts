export * from './csv.js'
export * from './rows.js'
