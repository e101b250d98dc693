let power: 0 | 1 | 2 = 0

/** The power to which gradients of single examples are raised before they are summed; 0 outside `perExample`. */
export function exampleGradients(): 0 | 1 | 2 {
  return power
}

/**
 * While `compute` runs, the gradients of layers by their parameters are Σₙ |∂Lₙ/∂θ|ᵖ over the examples n of the batch, in place of
 * ∂(Σₙ Lₙ)/∂θ. The loss must be a sum over examples of terms that do not mix them. p = 2 gives a Fisher diagonal, p = 1 that of MAS.
 * Layers made of `dense` and `convolve` support it, each parameter used once; `compute` is synchronous.
 */
export function perExample<Result>(p: 1 | 2, compute: () => Result): Result {
  const outside = power
  power = p
  try {
    return compute()
  } finally {
    power = outside
  }
}
