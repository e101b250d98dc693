// The errors that the packages throw, as their sources say: codes, and what their messages look like.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { packageFolders } from './generate.mjs'

/** @typedef {{ code: string, where: string, pattern: RegExp, words: number, text: string }} Thrown `words`: letters that are fixed */

/**
 * Every `expected(…)`, `new LgmError(…)` and subclass of it in the sources of the packages.
 * @returns {Thrown[]}
 */
export function thrownErrors() {
  return packageFolders().flatMap(folder => {
    const sources = readdirSync(join(folder, 'src'), { recursive: true }).map(String)
    return sources
      .filter(name => /(?<!\.(test|fixture))\.ts$/.test(name))
      .flatMap(name => thrownIn(readFileSync(join(folder, 'src', name), 'utf8'), join(folder, 'src', name)))
  })
}

/**
 * @param {string} text
 * @param {string} path
 * @returns {Thrown[]}
 */
export function thrownIn(text, path) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  /** @type {Thrown[]} */
  const found = []
  /** @param {ts.Node} node @param {ts.Expression | undefined} code @param {string} message */
  const add = (node, code, message) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
    const where = `${path}:${line + 1}`
    const words = message.replace(/\\.|\[\^\]\+/g, '').length
    found.push({ code: codeOf(code, file, where), where, pattern: new RegExp(`^${message}$`, 's'), words, text })
  }
  /** @param {ts.Node} node */
  const visit = node => {
    if (ts.isCallExpression(node) && node.expression.getText(file) === 'expected') {
      const [where, what, got, remedy, code] = node.arguments
      add(node, code, `${look(where)}: expected ${look(what)}, got ${look(got)}; ${look(remedy)}`)
    } else if (ts.isNewExpression(node) && node.expression.getText(file) === 'LgmError') {
      const [code, message] = node.arguments ?? []
      // `expected` itself passes on the code that it is given
      if (code?.getText(file) !== 'code') add(node, code, look(message))
    } else if (ts.isClassDeclaration(node) && /extends LgmError\b/.test(node.heritageClauses?.[0]?.getText(file) ?? ''))
      ts.forEachChild(node, function search(inner) {
        if (ts.isCallExpression(inner) && inner.expression.kind === ts.SyntaxKind.SuperKeyword)
          add(inner, inner.arguments[0], look(inner.arguments[1]))
        else ts.forEachChild(inner, search)
      })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/**
 * A code is written where the error is made, or is a constant of the file.
 * @param {ts.Expression | undefined} code
 * @param {ts.SourceFile} file
 * @param {string} where
 */
function codeOf(code, file, where) {
  if (code === undefined) return 'input'
  if (ts.isStringLiteral(code)) return code.text
  const [, value] = new RegExp(`const ${code.getText(file)} = '([a-z-]+)'`).exec(file.text) ?? []
  if (value === undefined) throw new Error(`${where}: expected a code that is written out, got ${code.getText(file)}`)
  return value
}

const anything = '[^]+'

/**
 * What an expression of text can be, as a pattern.
 * @param {ts.Expression | undefined} node
 * @returns {string}
 */
function look(node) {
  if (node === undefined) return anything
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return literal(node.text)
  if (ts.isParenthesizedExpression(node)) return look(node.expression)
  if (ts.isConditionalExpression(node)) return `(?:${look(node.whenTrue)}|${look(node.whenFalse)})`
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return look(node.left) + look(node.right)
  if (!ts.isTemplateExpression(node)) return anything
  return literal(node.head.text) + node.templateSpans.map(span => `[^]*${literal(span.literal.text)}`).join('')
}

/** @param {string} text */
const literal = text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
