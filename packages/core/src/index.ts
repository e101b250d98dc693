export { createBreath } from './breath.js'
export { checkRestored, checkShapes, shapesOf } from './check-restored.js'
export { memoryStore, type Store } from './checkpoint.js'
export { type Composition, compose, inject, nameOf, needsOf } from './container.js'
export * from './contracts.js'
export { expected, Interrupted, LgmError, nearest, show, writeRemedy } from './errors.js'
export { evaluate, type Measured, rowOf, summarize } from './evaluation.js'
export * from './examples.js'
export { checkHeld, requireTaskHeads } from './held.js'
export { Journal, type Underway } from './journal.js'
export {
  corePlugins,
  corePoints,
  createLearner,
  type LabelledArrays,
  type Learner,
  type LearnerSettings,
  type Prediction,
} from './learner.js'
export { withMeasurements } from './measurements.js'
export { convolve } from './ops/convolve.js'
export { type Activation, dense, rows } from './ops/dense.js'
export { reluGradient } from './ops/fused.js'
export { type ExampleGradients, importanceOptions, meanPerExample } from './ops/importance.js'
export { layerNorm } from './ops/layer-norm.js'
export * from './ops/losses.js'
export { applyMlp, growMlp, initMlp } from './ops/mlp.js'
export { perExample } from './ops/per-example.js'
export * from './ops/quadratic.js'
export { applyGradients, initSlots, optimizerOptions, type Slots } from './optimizers.js'
export * from './params.js'
export { consolidate } from './phases/consolidate.js'
export { decode } from './phases/decode.js'
export { learn } from './phases/learn.js'
export { memorize } from './phases/memorize.js'
export { migrate } from './phases/migrate.js'
export { recall } from './phases/recall.js'
export * from './point.js'
export { availableReadouts, type Readout } from './readouts.js'
export { measurementSchema, type Report, readReport, reportSchema } from './report.js'
export { createRng } from './rng.js'
export { type Progress, progressSchema, type RunSettings, run } from './run.js'
export {
  decodeArrays,
  decodeSafetensors,
  encodeArrays,
  encodeSafetensors,
  type NamedArray,
  type SafetensorsFile,
} from './safetensors.js'
export { addClasses, noClasses } from './seen.js'
export { readRecord, type TaskRecord } from './task-record.js'
export { createTrainer, differentiate } from './trainer.js'
