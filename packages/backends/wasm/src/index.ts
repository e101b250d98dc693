export { wasm } from './wasm.js'
