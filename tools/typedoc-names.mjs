// A plugin of typedoc: modules carry the names of their packages. All packages are converted as one program, because one
// program a package (typedoc's strategy "packages") takes ten times as long.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Converter, ReflectionKind } from 'typedoc'

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName
    const manifest = file && join(dirname(file), '..', 'package.json')
    if (manifest && existsSync(manifest)) reflection.name = JSON.parse(readFileSync(manifest, 'utf8')).name
  })
}
