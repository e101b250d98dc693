// Writes the parts of the documentation that follow from the code: contracts, plugins with their options, conformance kits, the
// fields of a report, the list of packages. They stand between
//
//   <!-- generated: KIND WORDS -->
//   <!-- /generated -->
//
// in the README and below docs/. `--check` writes nothing, and fails if a part is not what it would be, or if a piece of a recipe on
// a page of a point is wrong.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, posix, relative, sep } from 'node:path'
import ts from 'typescript'
import { packageFolders } from './generate.mjs'
import { snippetsIn } from './snippets.mjs'
import { openSources } from './sources.mjs'
import { isMain, root } from './steps.mjs'

/** @typedef {import('@lgm/core').Definition} Definition */
/** @typedef {import('@lgm/core').Point<unknown>} Point */
/** @typedef {(words: string[], page: string) => string | Promise<string>} Part from the words of a marker and the page's path */

const part = /(<!-- generated: (.+?) -->\n)([\s\S]*?)(<!-- \/generated -->)/g

/**
 * A page with its generated parts written anew.
 * @param {string} text
 * @param {string} page its path, from the root
 * @param {Readonly<Record<string, Part>>} parts by kind
 * @returns {Promise<string>}
 */
export async function rewrite(text, page, parts) {
  const opened = text.split('<!-- generated:').length - 1
  const found = [...text.matchAll(part)]
  if (opened !== found.length || opened !== text.split('<!-- /generated -->').length - 1)
    throw new Error(`${page}: expected every "generated:" to have its "/generated", got another number; close each`)
  let written = text
  for (const [whole, open = '', marker = '', , close] of found) {
    const [kind = '', ...words] = marker.split(' ')
    const make = parts[kind]
    if (!make)
      throw new Error(`${page}: expected one of ${Object.keys(parts).join(', ')}, got "${kind}"; correct the marker`)
    const made = `${open}\n${(await make(words, page)).trim()}\n\n${close}`
    written = written.replace(whole, () => made)
  }
  return written
}

/**
 * The declarations of some names, with their comments, as they stand in a TypeScript file.
 * @param {string} source
 * @param {readonly string[]} names
 */
export function declarations(source, names) {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true)
  /** @param {ts.Statement} statement */
  const nameOf = statement =>
    ts.isVariableStatement(statement)
      ? statement.declarationList.declarations[0]?.name.getText()
      : /** @type {{ name?: ts.Node }} */ (/** @type {unknown} */ (statement)).name?.getText()
  return names.map(name => {
    const found = file.statements.filter(statement => nameOf(statement) === name)
    if (found.length === 0) throw new Error(`expected a declaration of ${name}, got none; correct the marker`)
    return found.map(statement => source.slice(statement.getStart(file, true), statement.end)).join('\n')
  })
}

/**
 * The doc comment of a function, without its tags.
 * @param {string} source
 * @param {string} name
 */
export function commentOf(source, name) {
  const [declared = ''] = declarations(source, [name])
  const [comment = ''] = /^\/\*\*[\s\S]*?\*\//.exec(declared) ?? []
  const lines = comment.split('\n').map(line => line.replace(/^\s*(\/\*\*|\*\/|\*)\s?/, '').replace(/\s*\*\/$/, ''))
  const end = lines.findIndex(line => line.startsWith('@'))
  return lines
    .slice(0, end < 0 ? undefined : end)
    .join('\n')
    .trim()
}

/** @param {unknown} text */
const cell = text => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ')
/**
 * @param {readonly string[]} head
 * @param {readonly (readonly unknown[])[]} rows
 */
export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map(row => `| ${row.map(cell).join(' | ')} |`).join('\n')

/**
 * A link from a page to a file or folder, both from the root.
 * @param {string} page
 * @param {string} path
 */
const linkTo = (page, path) =>
  relative(join(root, page, '..'), join(root, path))
    .split(sep)
    .join(posix.sep)
/** @param {string} path */
const read = path => readFileSync(join(root, path), 'utf8')
/** @param {string} page */
const pointNamed = page => basename(page, '.md')

/** Every package below packages/: its folder from the root, and its package.json. */
function packages() {
  return packageFolders()
    .map(folder => relative(root, folder).split(sep).join(posix.sep))
    .filter(folder => folder.startsWith('packages/'))
    .map(folder => ({ folder, manifest: JSON.parse(read(`${folder}/package.json`)) }))
}

/** The packages in an order for readers: core, command line, points in their own order, libraries. */
const groups = ['core', 'cli', 'testing']

/**
 * The kinds of generated parts.
 * @param {Awaited<ReturnType<typeof openSources>>} sources
 * @returns {Promise<Record<string, Part>>}
 */
export async function partsFrom(sources) {
  const core = await sources.load('packages/core/src/index.ts')
  const { keyOf } = await sources.load('packages/cli/src/recipe.ts')
  const { optionsSchema } = await sources.load('packages/cli/src/schema.ts')
  const { optionRows, typeOf } = await sources.load('packages/cli/src/plugins.ts')
  /** @type {readonly Point[]} */
  const points = core.corePoints

  /** @param {string} page */
  const pointOf = page => {
    const found = points.find(point => point.name === pointNamed(page))
    if (!found) throw new Error(`${page}: expected a page named after a point of core, got none; rename it`)
    return found
  }

  /** @param {Point} point @returns {Promise<{ definition: Definition, name: string, folder: string }[]>} */
  const pluginsAt = async point => {
    const found = packages().filter(({ manifest }) => manifest.name.startsWith(`@lgm/${point.name}-`))
    const modules = [{ folder: 'packages/core', manifest: { name: '@lgm/core' } }, ...found]
    const plugins = []
    for (const { folder, manifest } of modules) {
      const factories =
        folder === 'packages/core'
          ? core.corePlugins
          : Object.values(await sources.load(`${folder}/src/index.ts`)).filter(core.isPluginFactory)
      for (const { definition } of factories)
        if (definition.point.token === point.token) plugins.push({ definition, name: manifest.name, folder })
    }
    return plugins
  }

  /** @param {Definition} definition */
  const optionTable = definition => {
    const rows = optionRows(optionsSchema(definition)).map(
      (/** @type {string[]} */ [name, type, fallback, meaning]) => [
        `\`${name}\``,
        type,
        fallback?.startsWith('default ') ? `\`${fallback.slice('default '.length)}\`` : fallback,
        meaning,
      ],
    )
    return rows.length > 0 ? table(['option', 'type', 'default', 'meaning'], rows) : 'No options.'
  }

  return {
    point: (_, page) => {
      const point = pointOf(page)
      const arity = { one: 'exactly one', optional: 'at most one', many: 'any number', service: '' }[point.arity]
      return `A learner takes **${arity}**. Key in a recipe: \`${keyOf(point)}\`.`
    },

    contract: (names, page) => {
      const path = 'packages/core/src/contracts.ts'
      const declared = declarations(read(path), names).join('\n\n')
      return `From [contracts.ts](${linkTo(page, path)}):\n\n\`\`\`typescript\n${declared}\n\`\`\``
    },

    plugins: async (_, page) => {
      const plugins = await pluginsAt(pointOf(page))
      const rows = plugins.map(({ definition, name, folder }) => [
        `[\`${definition.name}\`](#${definition.name})`,
        definition.summary,
        `[${name}](${linkTo(page, folder)})`,
      ])
      const details = plugins.map(({ definition }) => {
        const needs = (definition.requires ?? []).map(need => need.name)
        return [
          `### ${definition.name}`,
          ...(needs.length > 0 ? [`Needs beside it: ${needs.join(', ')}.`] : []),
          optionTable(definition),
        ].join('\n\n')
      })
      return [table(['plugin', 'what it is', 'package'], rows), ...details].join('\n\n')
    },

    kit: ([name = ''], page) => {
      const path = `packages/testing/src/${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}.ts`
      const comment = commentOf(read(path), name)
      return `[\`${name}\`](${linkTo(page, path)}) of \`@lgm/testing\`:\n\n> ${comment.replaceAll('\n', '\n> ')}`
    },

    report: () => {
      const { $schema: _, ...schema } = core.z.toJSONSchema(core.reportSchema)
      return table(['field', 'type', 'meaning'], fieldRows(schema, '', typeOf))
    },

    packages: (_, page) => {
      const order = (/** @type {string} */ folder) => {
        const group = folder.split('/')[1] ?? ''
        const known = [...groups, ...points.map(point => `${point.name}s`)].indexOf(group)
        return known < 0 ? groups.length + points.length : known
      }
      const rows = packages()
        .map(({ folder, manifest }) => ({ folder, manifest, order: order(folder) }))
        .sort((a, b) => a.order - b.order || (a.folder < b.folder ? -1 : 1))
        .map(({ folder, manifest }) => {
          const point = points.find(({ name }) => manifest.name.startsWith(`@lgm/${name}-`))
          return [
            // A file, not its folder: the API reference has this page too, and copies what it links to.
            `[\`${manifest.name}\`](${linkTo(page, `${folder}/README.md`)})`,
            point ? `[${point.name}](${linkTo(page, `docs/points/${point.name}.md`)})` : '',
            manifest.description,
          ]
        })
      return table(['package', 'point', 'what it is'], rows)
    },
  }
}

/**
 * A row for each field of a JSON schema: its path, with `[]` for every item and `.<key>` for every key.
 * @param {any} schema
 * @param {string} path
 * @param {(schema: any) => string} typeOf
 * @returns {string[][]}
 */
export function fieldRows(schema, path, typeOf) {
  if (schema.type === 'object') {
    const required = schema.required ?? []
    const rows = Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
      const inner = fieldRows(field, `${path}${path && '.'}${key}`, typeOf)
      const [[name = '', type = '', meaning = ''] = [], ...rest] = inner
      return [[name, required.includes(key) ? type : `${type}, optional`, meaning], ...rest]
    })
    const free = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
    if (free) rows.push(...fieldRows(free, `${path}.<key>`, typeOf).filter(([, , meaning]) => meaning))
    return path && schema.description ? [[`\`${path}\``, 'object', schema.description], ...rows] : rows
  }
  if (schema.type === 'array' && ['object', 'array'].includes(schema.items?.type)) {
    const inner = fieldRows(schema.items, `${path}[]`, typeOf)
    return schema.description ? [[`\`${path}\``, 'list', schema.description], ...inner] : inner
  }
  const unit = schema.unit === undefined ? '' : `; unit: ${schema.unit}`
  return [[`\`${path}\``, typeOf(schema), `${schema.description ?? ''}${unit}`]]
}

/** The pages that may hold generated parts, from the root. */
export function pages() {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(name =>
    name.split(sep).join(posix.sep),
  )
  return ['README.md', ...docs.filter(name => /\.md$/.test(name) && !/^api\//.test(name)).map(name => `docs/${name}`)]
}

/**
 * What is wrong with the pieces of recipes on a page: each is put into a small recipe, whose plugins and options are checked.
 * @param {Awaited<ReturnType<typeof openSources>>} sources
 * @param {string} text
 * @param {string} page
 */
async function pieceProblems(sources, text, page) {
  const { parseDocument } = await sources.load('packages/cli/src/document.ts')
  const { recipeFrom } = await sources.load('packages/cli/src/recipe.ts')
  const problems = []
  for (const { place, language, marks, text: piece } of snippetsIn(text, page)) {
    if (language !== 'yaml' || marks.includes('recipe')) continue
    try {
      const document = { embedder: 'identity', head: 'linear', ...parseDocument(piece, place) }
      await recipeFrom(document, place, [join(root, 'packages', 'cli')], 'piece')
    } catch (error) {
      problems.push(/** @type {Error} */ (error).message)
    }
  }
  return problems
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check')
  const sources = await openSources()
  const problems = []
  try {
    const parts = await partsFrom(sources)
    for (const page of pages()) {
      const text = read(page)
      if (page.startsWith('docs/points/')) problems.push(...(await pieceProblems(sources, text, page)))
      const written = await rewrite(text, page, parts)
      if (written === text) continue
      if (check)
        problems.push(`${page}: expected generated parts to be up to date, got stale ones; run: npm run generate`)
      else writeFileSync(join(root, page), written)
    }
  } catch (error) {
    problems.push(/** @type {Error} */ (error).message)
  } finally {
    await sources.close()
  }
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length > 0 ? 1 : 0
}
