// Compiles, runs and validates the code in the documentation, as a user would: against the built packages.
//
//   ```ts          is compiled, each block as a module of its own
//   ```ts run      is compiled and run; it prints what stands behind console.log(…) // as a comment
//   ```ts file=F   must be equal to the file F
//   ```yaml recipe passes `lgm validate`
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isMain, root, run } from './steps.mjs'

/** @typedef {{ place: string, language: string, marks: string[], text: string }} Snippet */

/**
 * The fenced blocks of a Markdown text.
 * @param {string} markdown
 * @param {string} path as it should stand in messages
 * @returns {Snippet[]}
 */
export function snippetsIn(markdown, path) {
  /** @type {Snippet[]} */
  const found = []
  /** @type {{ fence: string, indent: number, at: number, info: string[], lines: string[] } | undefined} */
  let open
  for (const [at, line] of markdown.split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = /^(\s*)(`{3,})(.*)$/.exec(line) ?? []
    if (!open) {
      if (fence) open = { fence, indent: indent.length, at: at + 1, info: info.trim().split(/\s+/), lines: [] }
    } else if (fence.length >= open.fence.length && info.trim() === '') {
      const [language = '', ...marks] = open.info
      found.push({ place: `${path}:${open.at}`, language, marks, text: `${open.lines.join('\n')}\n` })
      open = undefined
    } else open.lines.push(line.slice(open.indent))
  }
  return found
}

/** @returns {string[]} the Markdown files whose code is checked */
function documents() {
  const docs = readdirSync(join(root, 'docs'), { recursive: true }).map(String)
  const markdown = docs.filter(name => name.endsWith('.md') && !name.startsWith('api'))
  return ['README.md', 'CONTRIBUTING.md', ...markdown.map(name => `docs/${name}`)].filter(name =>
    existsSync(join(root, name)),
  )
}

/**
 * Checks all code in the documentation.
 * @returns {Promise<{ passed: number, problems: string[] }>} problems name the place in the document
 */
export async function checkSnippets() {
  const snippets = documents().flatMap(path => snippetsIn(readFileSync(join(root, path), 'utf8'), path))
  const copies = snippets.filter(({ marks }) => marks.some(mark => mark.startsWith('file=')))
  const code = snippets.filter(snippet => snippet.language === 'ts' && !copies.includes(snippet))
  const recipes = snippets.filter(({ language, marks }) => language === 'yaml' && marks.includes('recipe'))
  const problems = [...checkCopies(copies), ...(await checkCode(code)), ...(await checkRecipes(recipes))]
  const checked = copies.length + code.length + recipes.length
  return { passed: Math.max(0, checked - problems.length), problems }
}

/** @param {Snippet[]} snippets */
function checkCopies(snippets) {
  return snippets.flatMap(({ place, marks, text }) => {
    const file = marks.find(mark => mark.startsWith('file='))?.slice('file='.length) ?? ''
    const path = join(root, file)
    if (!existsSync(path)) return [`${place}: expected a copy of ${file}, got no such file; correct the path`]
    return readFileSync(path, 'utf8') === text
      ? []
      : [`${place}: expected a copy of ${file}, got another text; copy it again`]
  })
}

/** @param {Snippet[]} snippets */
async function checkCode(snippets) {
  const folder = emptyFolder()
  const files = snippets.map((_, index) => `snippet-${index}.ts`)
  for (const [index, { text }] of snippets.entries()) {
    writeFileSync(join(folder, `snippet-${index}.ts`), `${text}export {}\n`)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  const options = {
    extends: '../tsconfig.base.json',
    compilerOptions: {
      composite: false,
      declaration: false,
      declarationMap: false,
      sourceMap: false,
      types: ['node'],
      lib: ['ES2023', 'DOM'],
    },
    files,
  }
  if (files.length === 0) return []
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { output, code } = await run(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { folder })
  const errors = output.split('\n').filter(line => line.includes('error TS'))
  if (code !== 0 && errors.length === 0) return [`docs: expected the compiler to run, got: ${output.trim()}`]
  const problems = errors.map(line => atItsPlace(line, snippets))
  for (const [index, { place, marks, text }] of snippets.entries()) {
    if (code !== 0 || !marks.includes('run')) continue
    const ran = await run(process.execPath, [`snippet-${index}.js`], { folder, seconds: 120 })
    const promised = [...text.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map(([, output]) => output).join('\n')
    if (ran.code !== 0)
      problems.push(`${place}: expected code that runs, got exit code ${ran.code}:\n${ran.output.trim()}`)
    else if (promised && ran.stdout.trim() !== promised)
      problems.push(`${place}: expected the output\n${promised}\ngot\n${ran.stdout.trim()}`)
  }
  return problems
}

/**
 * @param {string} line of the compiler: `snippet-2.ts(3,1): error …`
 * @param {Snippet[]} snippets
 */
function atItsPlace(line, snippets) {
  return line.replace(/^.*snippet-(\d+)\.ts\((\d+),\d+\)/, (_, index, row) => {
    const [path, start] = snippets[Number(index)]?.place.split(':') ?? []
    return `${path}:${Number(start) + Number(row)}`
  })
}

/** @param {Snippet[]} snippets */
async function checkRecipes(snippets) {
  const problems = []
  for (const [index, { place, text }] of snippets.entries()) {
    const file = join(root, '.snippets', `recipe-${index}.yaml`)
    writeFileSync(file, text)
    const cli = join(root, 'packages', 'cli', 'bin', 'lgm.mjs')
    const { code, output } = await run(process.execPath, [cli, 'validate', file], { seconds: 60 })
    if (code !== 0) problems.push(`${place}: expected a valid recipe, got: ${output.trim()}`)
  }
  return problems
}

/** A folder inside the repository, so that the packages are found from it; the tensor library as in a user's project. */
function emptyFolder() {
  const folder = join(root, '.snippets')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'node_modules', '@tensorflow'), { recursive: true })
  for (const name of ['@tensorflow/tfjs', 'zod']) {
    const link = join(folder, 'node_modules', name)
    const target = join(root, 'packages', 'core', 'node_modules', name)
    symlinkSync(process.platform === 'win32' ? target : relative(dirname(link), target), link, 'junction')
  }
  return folder
}

if (isMain(import.meta.url)) {
  const { passed, problems } = await checkSnippets()
  for (const problem of problems) console.error(problem)
  console.log(`${passed} passed, ${problems.length} failed`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
