// What the columns and axes of a study's page are made of: functions of a finished run.

/** @typedef {import('../../tools/experiments.mjs').Done} Done */

/** A figure of the summary or of the last task. @param {string} name @returns {(run: Done) => number | undefined} */
export const figure =
  name =>
  ({ figures }) =>
    figures[name]

/** The first figure whose name is like this. @param {RegExp} name @returns {(run: Done) => number | undefined} */
export const figureLike =
  name =>
  ({ figures }) =>
    Object.entries(figures).find(([key]) => name.test(key))?.[1]

/** @param {number | undefined} share */
export const percent = share => (share === undefined ? undefined : 100 * share)

/** Numbers that the generator keeps. @param {Done} run */
export const generatorNumbers = ({ kept }) =>
  Object.entries(kept).find(([owner]) => owner.startsWith('generator/'))?.[1]

/** Seconds in a phase, over all tasks. @param {string} phase @returns {(run: Done) => number | undefined} */
export const secondsIn =
  phase =>
  ({ phases }) =>
    phases?.[phase]
