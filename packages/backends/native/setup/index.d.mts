/** An addon and what belongs to it. */
export interface Engine {
  /** How it came: compiled here, by tfjs-node's installer into the cache, or already inside the installed package. */
  readonly how: 'built' | 'installer' | 'package'
  /** What holds the addon and the library. */
  readonly folder: string
  /** Path of `tfjs_binding.node`. */
  readonly addon: string
  /** Folder of the TensorFlow library. */
  readonly library: string
  /** Version of TensorFlow. */
  readonly tensorflow: string
}

/** The engine is ready. */
export interface Ready {
  readonly ok: true
  readonly how: 'present' | 'installer' | 'built'
  readonly library: string
  readonly addon: string
  readonly tensorflow: string
  readonly seconds: number
}

/** This machine cannot have the engine: why, and what would change that. */
export interface Unavailable {
  readonly ok: false
  readonly why: string
  readonly remedy: string
}

/** The state of the native engine on this machine. */
export interface Facts {
  /** Folder of the native engines. */
  readonly cache: string
  /** Installed version of tfjs-node. */
  readonly tfjsNode: string | undefined
  /** The engine that would be used. */
  readonly engine: Engine | undefined
  /** What is wrong, undefined when nothing is. */
  readonly problem: string | undefined
  /** What to do about it. */
  readonly remedy: string | undefined
}

/**
 * Makes the native engine available to this user: takes the one that is there, else runs tfjs-node's installer, else
 * compiles the addon. Interrupted, it leaves nothing half done; two at once do not disturb each other.
 *
 * `log` gets one line a step; `force` makes it anew even where a working one is there.
 */
export function setupNative(options?: {
  readonly log?: (line: string) => void
  readonly force?: boolean
}): Promise<Ready | Unavailable>

/** The state of the native engine. Loads nothing into this process. */
export function facts(): Promise<Facts>

/** The folder inside the user's cache that holds native engines. */
export function engineCacheFolder(): string

/** Engines found on this machine, the preferred one first. Found is not yet verified. */
export function findEngines(): Engine[]

/**
 * Loads an addon into this process and registers it with TensorFlow.js as the backend `tensorflow`. `threads` 0 or
 * absent lets TensorFlow decide. Returns the instance of TensorFlow.js that it belongs to.
 */
export function loadEngine(options: {
  readonly addon: string
  readonly threads?: number | undefined
}): typeof import('@tensorflow/tfjs')
