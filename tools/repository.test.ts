import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isPluginFactory } from '@lgm/core'
import { afterAll, describe, expect, it } from 'vitest'
import {
  catalogProblems,
  containerProblems,
  directionProblems,
  fileProblems,
  manifestProblems,
  mentionProblems,
  nodeProblems,
  ownFiles,
  readmeProblems,
  readWorkspace,
  styleProblems,
  type Workspace,
} from './repository.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const here = readWorkspace(root)

describe('this repository', () => {
  it('imports in one direction: examples and cli, plugins, core', () => expect(directionProblems(here)).toEqual([]))
  it('keeps Node out of core and of the algorithms', () => expect(nodeProblems(here)).toEqual([]))
  it('lets only the container know the injection library', () => expect(containerProblems(here)).toEqual([]))
  it('has the same few files in every package', () => expect(fileProblems(here)).toEqual([]))
  it('has package.json files of one form', () => expect(manifestProblems(here)).toEqual([]))
  it('has one version of each shared dependency', () => expect(catalogProblems(here)).toEqual([]))
  it('has names of the field and short methods', () => expect(styleProblems(here)).toEqual([]))

  it('runs turbo under the pnpm that it is installed by', () => {
    const { packageManager, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(packageManager).toBe(`pnpm@${devDependencies.pnpm}`)
  })

  it('mentions no place on one machine', () => {
    const texts = ownFiles(root).filter(file => !/pnpm-lock\.yaml$|\.(png|gz|ico|safetensors)$/.test(file))
    const problems = texts.flatMap(file => mentionProblems(relative(root, file), readFileSync(file, 'utf8')))
    expect(problems).toEqual([])
  })

  it.each(here.packages.filter(item => item.kind === 'plugin').map(item => [item.path, item] as const))(
    '%s exports the plugin of its name, with described options that its README names',
    async (path, item) => {
      const module: object = await import(pathToFileURL(join(root, path, 'src', 'index.ts')).href)
      const definitions = Object.values(module)
        .filter(isPluginFactory)
        .map(factory => factory.definition)
      const named = definitions.find(({ point, name }) => `@lgm/${point.name}-${name}` === item.manifest.name)
      expect(named, `a plugin that ${item.manifest.name} is named after`).toBeDefined()
      const readme = readFileSync(join(root, path, 'README.md'), 'utf8')
      for (const { options } of definitions) {
        const undescribed = Object.entries(options.shape).filter(([, option]) => !option.description)
        expect(
          undescribed.map(([option]) => option),
          'options without a description',
        ).toEqual([])
        expect(readmeProblems(path, readme, Object.keys(options.shape))).toEqual([])
      }
    },
  )
})

describe('the rules find what breaks them', () => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true })
  })

  const manifest = (name: string, more: object = {}) => ({
    name,
    version: '0.1.0',
    description: 'A package for this test',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=20.19' },
    exports: { '.': { source: './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist', '!dist/.tsbuildinfo'],
    keywords: ['lgm-plugin'],
    ...(name === '@lgm/core' ? {} : { peerDependencies: { '@lgm/core': 'workspace:^' } }),
    ...(name === '@lgm/core' ? {} : { devDependencies: { '@lgm/core': 'workspace:^', '@lgm/testing': 'workspace:^' } }),
    ...more,
  })

  const plugin = (path: string, name: string, source: string, more: object = {}): Record<string, string> => ({
    [`${path}/package.json`]: JSON.stringify(manifest(name, more)),
    [`${path}/README.md`]: '',
    [`${path}/tsconfig.json`]: '{}',
    [`${path}/src/index.ts`]: `export * from './${path.split('/').at(-1)}.js'`,
    [`${path}/src/${path.split('/').at(-1)}.ts`]: source,
    [`${path}/src/${path.split('/').at(-1)}.test.ts`]: "import { it } from 'vitest'\nimport {} from '@lgm/testing'",
  })

  const sound: Record<string, string> = {
    'package.json': JSON.stringify({ devDependencies: { vitest: '4.1.12' } }),
    'packages/core/package.json': JSON.stringify(manifest('@lgm/core', { dependencies: { tsyringe: 'catalog:' } })),
    'packages/core/README.md': '',
    'packages/core/tsconfig.json': '{}',
    'packages/core/src/index.ts': "export * from './container.js'",
    'packages/core/src/container.ts': "import { container } from 'tsyringe'",
    ...plugin('packages/regularizers/good', '@lgm/regularizer-good', "import {} from '@lgm/core'"),
    ...plugin('packages/regularizers/other', '@lgm/regularizer-other', "import type {} from '@lgm/core'"),
  }

  function repository(changes: Record<string, string | undefined>): Workspace {
    const folder = mkdtempSync(join(tmpdir(), 'lgm-repository-'))
    folders.push(folder)
    for (const [path, text] of Object.entries({ ...sound, ...changes })) {
      if (text === undefined) continue
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    return readWorkspace(folder)
  }

  const good = 'packages/regularizers/good'
  const goodManifest = (more: object) => ({
    [`${good}/package.json`]: JSON.stringify(manifest('@lgm/regularizer-good', more)),
  })
  const rules = {
    directionProblems,
    nodeProblems,
    containerProblems,
    fileProblems,
    manifestProblems,
    catalogProblems,
    styleProblems,
  }

  it('and nothing in a sound repository', () => {
    for (const rule of Object.values(rules)) expect(rule(repository({}))).toEqual([])
  })

  const cases: [string, keyof typeof rules, Record<string, string | undefined>, RegExp][] = [
    [
      'a plugin that imports a plugin',
      'directionProblems',
      { [`${good}/src/good.ts`]: "import {} from '@lgm/regularizer-other'" },
      /got the plugin @lgm\/regularizer-other/,
    ],
    [
      'even lazily',
      'directionProblems',
      { [`${good}/src/good.ts`]: "await import('@lgm/regularizer-other')" },
      /got the plugin/,
    ],
    [
      'even in a test',
      'directionProblems',
      { [`${good}/src/good.test.ts`]: "import {} from '@lgm/regularizer-other'" },
      /got the plugin/,
    ],
    [
      'core that imports a plugin',
      'directionProblems',
      { 'packages/core/src/index.ts': "export * from '@lgm/regularizer-good'" },
      /no package of ours only/,
    ],
    [
      'a library that imports a plugin',
      'directionProblems',
      plugin('packages/libraries/lib', '@lgm/lib', "export * from '@lgm/regularizer-good'"),
      /libraries\/lib.*got the plugin/,
    ],
    [
      'an import that is not declared',
      'directionProblems',
      { [`${good}/src/good.ts`]: "import 'left-pad/x.js'" },
      /expected left-pad among/,
    ],
    [
      'a development dependency outside of tests',
      'directionProblems',
      { [`${good}/src/good.ts`]: "import 'vitest'" },
      /expected vitest among/,
    ],
    ['Node in an algorithm', 'nodeProblems', { [`${good}/src/good.ts`]: "import 'node:fs'" }, /got node:fs/],
    [
      'Node without its prefix',
      'nodeProblems',
      { 'packages/core/src/container.ts': "import 'fs/promises'" },
      /got fs\/promises/,
    ],
    [
      'an algorithm that declares Node',
      'nodeProblems',
      goodManifest({ lgm: { runtime: 'node' } }),
      /the runtime "node" in cli/,
    ],
    [
      'a library of Node in an algorithm',
      'nodeProblems',
      {
        ...plugin('packages/libraries/lib', '@lgm/lib', '', { lgm: { runtime: 'node' } }),
        [`${good}/src/good.ts`]: "import {} from '@lgm/lib'",
      },
      /got @lgm\/lib/,
    ],
    [
      'tsyringe outside of the container',
      'containerProblems',
      { [`${good}/src/good.ts`]: "import 'tsyringe'" },
      /expected tsyringe in core/,
    ],
    [
      'reflect-metadata elsewhere in core',
      'containerProblems',
      { 'packages/core/src/index.ts': "import 'reflect-metadata/lite'" },
      /expected reflect-metadata/,
    ],
    ['a package without README', 'fileProblems', { [`${good}/README.md`]: undefined }, /expected README\.md/],
    [
      'a package without test',
      'fileProblems',
      { [`${good}/src/good.test.ts`]: undefined },
      /expected src\/good\.test\.ts/,
    ],
    ['a further file', 'fileProblems', { [`${good}/jest.config.js`]: '' }, /got jest\.config\.js/],
    ['an index without the method', 'fileProblems', { [`${good}/src/index.ts`]: 'export {}' }, /export \.\/good\.js/],
    [
      'a name that does not fit the folder',
      'manifestProblems',
      goodManifest({ name: '@lgm/good' }),
      /expected name "@lgm\/regularizer-good"/,
    ],
    ['another version', 'manifestProblems', goodManifest({ version: '0.2.0' }), /expected version "0\.1\.0"/],
    ['another license', 'manifestProblems', goodManifest({ license: 'MIT' }), /expected license/],
    ['other exports', 'manifestProblems', goodManifest({ exports: { '.': './src/index.ts' } }), /expected exports/],
    ['no description', 'manifestProblems', goodManifest({ description: '' }), /expected a description/],
    ['no keyword', 'manifestProblems', goodManifest({ keywords: [] }), /keyword "lgm-plugin"/],
    [
      'files without dist',
      'manifestProblems',
      goodManifest({ files: ['src'] }),
      /files with "dist" and "!dist\/\.tsbuildinfo"/,
    ],
    [
      'core as a dependency',
      'manifestProblems',
      goodManifest({ dependencies: { '@lgm/core': 'workspace:^' } }),
      /expected @lgm\/core among the peers/,
    ],
    [
      'a peer that is not there to develop with',
      'manifestProblems',
      goodManifest({ devDependencies: {} }),
      /in devDependencies too/,
    ],
    ['no peer on core', 'manifestProblems', goodManifest({ peerDependencies: {} }), /expected the peer @lgm\/core/],
    [
      'a package of ours by number',
      'manifestProblems',
      goodManifest({ dependencies: { '@lgm/lib': '^0.1.0' } }),
      /as "workspace:\^"/,
    ],
    [
      'two versions of one dependency',
      'catalogProblems',
      {
        ...goodManifest({ dependencies: { zod: '^4.0.0' } }),
        ...plugin('packages/regularizers/other', '@lgm/regularizer-other', '', { dependencies: { zod: 'catalog:' } }),
      },
      /good\/package\.json: expected zod as "catalog:"/,
    ],
    [
      'a long method',
      'styleProblems',
      { [`${good}/src/good.ts`]: 'export {}\n\n// why\n'.repeat(201) },
      /got 201; move/,
    ],
    [
      'a name that says nothing',
      'styleProblems',
      { [`${good}/src/good.ts`]: 'export class BaseRegularizer {}' },
      /got BaseRegularizer/,
    ],
    [
      'a name that says nothing at its end',
      'styleProblems',
      { [`${good}/src/good.ts`]: 'function lossHelper() {}' },
      /got lossHelper/,
    ],
    ['a file in camel case', 'styleProblems', { [`${good}/src/myFile.ts`]: '' }, /kebab-case/],
  ]
  it.each(cases)('%s', (_, rule, changes, message) => {
    const problems = rules[rule](repository(changes))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(message)
  })

  it('but lets a plugin choose among optional peers of its own point', () => {
    const more = {
      peerDependencies: { '@lgm/core': 'workspace:^', '@lgm/regularizer-other': 'workspace:^' },
      peerDependenciesMeta: { '@lgm/regularizer-other': { optional: true } },
    }
    const changes = { ...goodManifest(more), [`${good}/src/good.ts`]: "await import('@lgm/regularizer-other')" }
    expect(directionProblems(repository(changes))).toEqual([])
  })

  it('an option that the README does not name', () => {
    expect(readmeProblems('p', 'has `strength`', ['strength', 'rate'])).toEqual([expect.stringContaining('`rate`')])
  })

  it('a path of one machine, and an unseen conversation', () => {
    const path = ['', 'home', 'me', 'data'].join('/')
    expect(mentionProblems('a.md', `see\n${path}`)).toEqual([expect.stringContaining(`a.md:2`)])
    expect(mentionProblems('a.md', `as ${['issue', 7].join(' ')} says`)).toHaveLength(1)
    expect(mentionProblems('a.md', 'the issue is 7 of ./home/me and https://host/tmp/x')).toEqual([])
  })
})
