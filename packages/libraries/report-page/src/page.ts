import { type Html, html, trusted } from './html.js'
import { policy, script } from './script.js'
import type { Section } from './section.js'
import { style } from './style.js'

/** The page around its sections. */
export function pageHtml(title: string, chips: readonly string[], sections: readonly Section[]): string {
  const page: Html = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${trusted(policy)}"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="generator" content="LGM"><title>${title} · LGM report</title><link rel="icon" href="data:,"><style>${trusted(style)}</style></head>
<body><a class="skip" href="#content">To the content</a><header><h1>${title}</h1>${
    chips.length > 0 && html`<ul class="chips">${chips.map(chip => html`<li>${chip}`)}</ul>`
  }</header>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => title !== '' && html`<li><a href="#${id}">${title}</a>`)}</ul></nav>
<main id="content">
${sections.map(({ html }) => [html, trusted('\n')])}</main>
<footer>Made by <code>lgm report</code>. Everything is in this file; it asks nothing of the network.</footer>
<script>${trusted(script)}</script></body></html>
`
  return page.text
}
