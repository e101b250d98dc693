export * from './jsonl.js'
