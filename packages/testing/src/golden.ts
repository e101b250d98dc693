/**
 * Numbers for regularizers, losses and metrics on a network of 17 parameters that is fully defined by formulas. To 8 decimals, from
 * float64, derived in closed form and cross-checked against independent implementations; compare float32 with 1e-5.
 * Parameters stand in the order fc1.w, fc1.b, fc2.w, fc2.b with one row per output unit: see `fromGoldenOrder`.
 */
export const golden = {
  fixture: {
    network:
      '2 -> tanh(3) -> 2; parameters in order fc1.w (3x2, row-major, row = output unit), fc1.b (3), fc2.w (2x3, row = output unit), fc2.b (2)',
    theta_k: '((37k) mod 19 - 9)/20, k = 0..16',
    theta: [-0.45, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0, -0.05, -0.1, -0.15, -0.2, -0.25, -0.3],
    x: [
      [-1.1, -0.4],
      [0.3, 1],
      [-0.6, 0.1],
      [0.8, -0.8],
      [-0.1, 0.6],
      [-1, -0.3],
    ],
    y: [0, 1, 1, 0, 1, 0],
    delta_k: '0.1 * (-1)^k * (1 + k/10)',
    logits: [
      [-0.21038237, -0.22288083],
      [-0.24699063, -0.51278127],
      [-0.22356118, -0.32815257],
      [-0.28083962, -0.30821042],
      [-0.23713431, -0.43711283],
      [-0.21289485, -0.24260859],
    ],
    meanCrossEntropy: 0.73744292,
    meanGradient: [
      0.0086397, 0.03272044, 0.00663281, 0.03555496, 0.00837437, 0.03846766, 0.00313581, 0.00223587, 0.00326476,
      0.09079787, 0.12165244, 0.09101682, -0.09079787, -0.12165244, -0.09101682, 0.02656778, -0.02656778,
    ],
  },
  fisher: {
    true: [
      0.00186512, 0.0014603, 0.00246957, 0.00163719, 0.00270543, 0.00195809, 0.0036758, 0.00474738, 0.00529537,
      0.06122736, 0.03407232, 0.01950796, 0.06122736, 0.03407232, 0.01950796, 0.27204302, 0.27204302,
    ],
    all: [
      0.00186101, 0.00125879, 0.00246512, 0.00145803, 0.00269992, 0.00171639, 0.00336016, 0.00439409, 0.00487093,
      0.05599656, 0.02966398, 0.01709535, 0.05599656, 0.02966398, 0.01709535, 0.24872651, 0.24872651,
    ],
  },
  ewcPenaltyAtThetaPlusDelta: {
    lambda: 1,
    convention: 'lambda/2 * sum F delta^2, F = mean over the 6 examples',
    all: 0.02107088,
    true: 0.02315765,
  },
  mas: {
    omega: [
      0.01751762, 0.02128883, 0.05000642, 0.05018001, 0.08424078, 0.0851095, 0.03476876, 0.08887357, 0.14836021,
      0.22334783, 0.14411858, 0.10966034, 0.32445832, 0.22227102, 0.16790966, 0.47060099, 0.6839155,
    ],
  },
  aGem: [
    {
      gradient: [1, -2, 3, 0.5],
      reference: [-1, 1, -0.5, 2],
      projected: [0.44, -1.44, 2.72, 1.62],
    },
    {
      gradient: [1, -2, 3, 0.5],
      reference: [1, 1, 0.5, 2],
      projected: [1, -2, 3, 0.5],
    },
  ],
  distillation: {
    student: [
      [1, 2, 0.5],
      [0, -1, 1.5],
    ],
    teacher: [
      [0.5, 1, 1],
      [1, -1, 0],
    ],
    temperature: 2,
    klBatchMeanWithoutT2: 0.10351545,
    softCrossEntropyWithoutT2: 1.15965399,
  },
  klStandardNormal: {
    mu: [0, 0.5, 1],
    logVariance: [0, -1, 0.3],
    nats: 0.83386912,
  },
  frechet: {
    a: {
      mean: [0, 1],
      cov: [
        [2, 0.5],
        [0.5, 1],
      ],
    },
    b: {
      mean: [1, -1],
      cov: [
        [1, 0],
        [0, 3],
      ],
    },
    distance: 5.808852870442882,
  },
  metrics: {
    R: [
      [0.9, 0.1, 0.2, 0.15],
      [0.7, 0.8, 0.25, 0.2],
      [0.75, 0.6, 0.95, 0.3],
      [0.6, 0.65, 0.85, 0.9],
    ],
    randomBaseline: [0.05, 0.1, 0.1, 0.12],
    ACC: 0.75,
    BWT: -0.18333333,
    forgetting: 0.18333333,
    FWT: 0.11,
  },
  metricsWhereDefinitionsDiffer: {
    R: [
      [0.6, 0.2, 0.1],
      [0.8, 0.7, 0.3],
      [0.5, 0.6, 0.9],
    ],
    ACC: 0.66666667,
    BWT: -0.1,
    forgetting: 0.2,
  },
}
