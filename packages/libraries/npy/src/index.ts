export * from './npy.js'
export * from './npy-file.js'
export * from './npz.js'
