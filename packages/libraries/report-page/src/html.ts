/** Text that is HTML already. Made by `html`, which escapes all that it is given, and by `trusted`. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What `html` takes: text and numbers are escaped, `undefined` and `false` are nothing, lists are joined. */
export type Content = Html | string | number | undefined | false | readonly Content[]

/** HTML from a template; every value in it is escaped, unless it is HTML. Values are meant for text and for attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  const pieces: string[] = [parts[0]!]
  for (const [i, value] of values.entries()) pieces.push(rendered(value), parts[i + 1]!)
  return new Html(pieces.join(''))
}

/** Text that is known to be HTML, such as what a chart was drawn as. Never for anything that a user wrote. */
export function trusted(text: string): Html {
  return new Html(text)
}

/** Text with the characters that mean something in HTML as references. */
export function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, character => `&#${character.charCodeAt(0)};`)
}

function rendered(value: Content): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value))
  return value.map(rendered).join('')
}
