export * from './vae.js'
