import { createHash } from 'node:crypto'

/**
 * All that the page runs: of the pictures of a gallery, the one that its slider names. Without it, and on paper, all are shown. Listens on
 * the document, so that galleries that are put in later work too.
 */
export const script = `
'use strict'
const show = slider => {
  const gallery = slider.closest('.gallery')
  const pictures = [...gallery.querySelectorAll('.pictures figure')]
  gallery.classList.add('live')
  pictures.forEach((picture, i) => picture.classList.toggle('shown', i === Number(slider.value)))
  const title = pictures[slider.value].querySelector('figcaption').textContent
  slider.setAttribute('aria-valuetext', title)
  gallery.querySelector('output').textContent = title
}
document.addEventListener('input', event => { if (event.target.matches('.gallery input')) show(event.target) })
document.querySelectorAll('.gallery input').forEach(show)
const open = () => {
  const place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)))
  for (let at = place; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true
  if (place && place.closest('details')) place.scrollIntoView()
}
addEventListener('hashchange', open)
open()
`

/** What the page may do: nothing over the network, its own styles, pictures within it, and this one script. */
export const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'; base-uri 'none'; form-action 'none'`
