import type { SavedRun } from '@lgm/runs'
import type { Curves } from './curves.js'
import { type Content, type Html, html } from './html.js'
import type { Picture } from './pictures.js'

/** A run with what its folder holds beside report and recipe. */
export interface ReportedRun extends SavedRun {
  readonly curves?: Curves
  readonly pictures?: readonly Picture[]
}

/** A part of the page, which can be replaced by itself. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly html: Html
}

/** A part of the page from one run; nothing where the run has nothing to show. `prefix` makes ids that no other run on the page has. */
export type RunSection = (run: ReportedRun, prefix: string) => Section | undefined

/** A section with its heading; nothing of nothing. */
export function section(id: string, title: string, ...content: readonly Content[]): Section | undefined {
  const parts = content.flat(3).filter(part => part !== undefined && part !== false)
  if (parts.length === 0) return undefined
  return {
    id,
    title,
    html: html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`,
  }
}

/** Figures beside each other, where there is room. */
export function figures(...all: readonly (Html | undefined)[]): Html | undefined {
  const there = all.filter(figure => figure !== undefined)
  return there.length === 0 ? undefined : html`<div class="figures">${there}</div>`
}
