export * from './episodic-memory.js'
