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

/**
 * What a page that follows a run does beside: it hears from its server what has changed, and replaces it. What was open stays open, and
 * sliders stay where they were, or at the end if they were there.
 */
export const liveScript = `
'use strict'
const content = document.getElementById('content')
const made = html => { const template = document.createElement('template'); template.innerHTML = html; return template.content.firstElementChild }
const put = (id, html) => {
  const old = document.getElementById(id), fresh = made(html)
  if (!old) { content.append(fresh); return fresh }
  const [before, after] = [old, fresh].map(part => [...part.querySelectorAll('details')])
  after.forEach((details, i) => { if (before[i]) details.open = before[i].open })
  const sliders = new Map([...old.querySelectorAll('input')].map(slider => [slider.id, slider]))
  for (const slider of fresh.querySelectorAll('input')) {
    const was = sliders.get(slider.id)
    if (was && was.value !== was.max) slider.value = was.value
  }
  const focused = old.contains(document.activeElement) && document.activeElement.id
  old.replaceWith(fresh)
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus()
  return fresh
}
const status = document.getElementById('status')
const events = new EventSource('events?from=' + document.documentElement.dataset.version)
events.onmessage = ({ data }) => {
  const news = JSON.parse(data)
  if (status.textContent !== news.status) status.textContent = news.status
  if (!news.sections) return
  document.title = news.title
  document.querySelector('h1').textContent = news.title
  document.querySelector('nav').replaceWith(made(news.nav))
  for (const [id, html] of news.sections) put(id, html).querySelectorAll('.gallery input').forEach(slider => slider.dispatchEvent(new Event('input', { bubbles: true })))
  for (const part of [...content.children]) if (!news.order.includes(part.id)) part.remove()
  news.order.forEach((id, i) => { const part = document.getElementById(id); if (content.children[i] !== part) content.insertBefore(part, content.children[i]) })
}
events.onerror = () => { status.textContent = events.readyState === 2 ? 'this address has expired, since lgm watch was started again: open the address that it wrote then' : 'no answer from lgm watch: trying again; if it has ended, start it again and open the address that it writes, since this one has expired' }
`

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const policyOf = (scripts: readonly string[], more = '') =>
  `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${scripts.map(hashOf).join(' ')}; ${more}base-uri 'none'; form-action 'none'`

/** What the page may do: nothing over the network, its own styles, pictures within it, and this one script. */
export const policy = policyOf([script])

/** What a page that follows a run may do beside: hear its own server. */
export const livePolicy = policyOf([script, liveScript], "connect-src 'self'; ")
