import { type Html, html, trusted } from './html.js'
import { livePolicy, liveScript, policy, script } from './script.js'
import type { Section } from './section.js'
import { style } from './style.js'

/** What a page that follows a run shows beside its sections: where the run is, and of which version of the sections it is. */
export interface Live {
  readonly status: string
  readonly version: number
}

/** The links to sections. */
export function navHtml(sections: readonly Section[]): Html {
  return html`<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => title !== '' && html`<li><a href="#${id}">${title}</a>`)}</ul></nav>`
}

/** The page around its sections; one that is `live` asks its server, at `events` beside it, for what has changed. */
export function pageHtml(title: string, chips: readonly string[], sections: readonly Section[], live?: Live): string {
  const page: Html = html`<!doctype html>
<html lang="en"${live && html` data-version="${live.version}"`}><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${trusted(live ? livePolicy : policy)}"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="generator" content="LGM"><title>${title} · LGM report</title><link rel="icon" href="data:,"><style>${trusted(style)}</style></head>
<body><a class="skip" href="#content">To the content</a><header><h1>${title}</h1>${
    chips.length > 0 && html`<ul class="chips">${chips.map(chip => html`<li>${chip}`)}</ul>`
  }${live && html`<p id="status" role="status">${live.status}</p>`}</header>
${navHtml(sections)}
<main id="content">
${sections.map(({ html }) => [html, trusted('\n')])}</main>
<footer>${live ? html`Made by <code>lgm watch</code>, from which it hears what is new.` : html`Made by <code>lgm report</code>. Everything is in this file; it asks nothing of the network.`}</footer>
<script>${trusted(script)}</script>${live && html`<script>${trusted(liveScript)}</script>`}</body></html>
`
  return page.text
}
