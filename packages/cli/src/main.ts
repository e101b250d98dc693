import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'

/** What a command talks to. */
export interface Surroundings {
  /** Folder that relative paths count from. */
  readonly cwd: string
  /** Results. */
  out(text: string): void
  /** Progress and errors. */
  err(text: string): void
}

/** The process: its folder, its outputs. */
function processSurroundings(): Surroundings {
  // what cannot be said cannot be said to be so
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`standard output: expected a place for the results, got ${error.message}; free some space\n`)
    process.exit(1)
  })
  return {
    cwd: process.cwd(),
    out: text => void process.stdout.write(`${text}\n`),
    err: text => void process.stderr.write(`${text}\n`),
  }
}

/**
 * Runs the command `lgm` with its arguments and returns the exit code: 0 done, 1 the run failed, 2 the user's input is wrong, 130
 * interrupted. Commands are loaded when they are called, so that help is there at once.
 */
export async function main(
  argv: readonly string[],
  surroundings: Surroundings = processSurroundings(),
): Promise<number> {
  let finished = 0
  const finish = (code: number) => {
    finished = code
  }
  const program = createProgram(surroundings, finish)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return finished
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { exitCodeOf, exitCodes, explain } = await import('./exit.js')
    const code = exitCodeOf(error)
    if (code !== exitCodes.interrupted) surroundings.err(explain(error, program.opts().debug === true))
    return code
  }
}

function createProgram(surroundings: Surroundings, finish: (code: number) => void): Command {
  const program = new Command('lgm')
    .description('continual learning with latent generative memory')
    .option('--debug', 'show where errors come from')
    .exitOverride()
    .configureOutput({
      writeOut: text => surroundings.out(text.trimEnd()),
      writeErr: text => surroundings.err(text.trimEnd()),
    })
    .showHelpAfterError('(lgm --help shows what there is)')
  addRun(program, surroundings)
  addCompare(program, surroundings)
  addEvaluate(program, surroundings)
  addReport(program, surroundings)
  addWatch(program, surroundings)
  addKnowledge(program, surroundings)
  addMachine(program, surroundings, finish)
  return program
}

const set = () =>
  new Option('--set <key.path=value>', 'change a value of the recipe; may be repeated').argParser(collect)

function addRun(program: Command, surroundings: Surroundings): void {
  program
    .command('run')
    .description('run recipes; several are compared in a table')
    .argument('<recipe...>', 'YAML files')
    .addOption(set())
    .option('--seed <number>', 'seed of all randomness', wholeNumber)
    .addOption(new Option('--seeds <range>', 'one run a seed, as 0..4 or 0,3,7').argParser(seedRange).conflicts('seed'))
    .option('--out <folder>', 'results: resolved recipe, report, events, checkpoint, picture; empty or absent')
    .option(
      '--resume',
      'go on with the run in the folder --out from its last checkpoint, to the same bits; finished runs are not repeated',
    )
    .addOption(
      new Option(
        '--checkpoint-minutes <number>',
        'minutes after which it is saved within a task how far it has come; 0: after every 20 steps',
      )
        .default(5)
        .argParser(minutes),
    )
    .option(
      '--save-answers',
      'write what every read-out answers on the test sets after each task, for lgm evaluate and metrics to come',
    )
    .option('--backend <name>', 'tensor engine: auto, native or wasm')
    .option('--quiet', 'show the final table only')
    .addOption(
      new Option('--json', 'print the report as one JSON object, and all else on the error output').conflicts('quiet'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ lgm run examples/recipes/lgm.yaml --set phases.learn.iterations=200 --seeds 0..4 --out results',
    )
    .action(async (recipes: string[], options) => {
      const { runRecipes } = await import('./run.js')
      await runRecipes(recipes, options, surroundings)
    })
}

function addCompare(program: Command, surroundings: Surroundings): void {
  program
    .command('compare')
    .description('compare runs: a row for each recipe with means and 95 % intervals over seeds, and paired differences')
    .argument('<folder...>', 'what lgm run --out left: folders of runs, or folders with such')
    .addOption(
      new Option('--figure <name>', 'a figure of the summary, as ACC/head, or ACC for all; may be repeated').argParser(
        collect,
      ),
    )
    .option('--baseline <name>', 'the row from which differences are taken; the first if absent')
    .addOption(
      new Option('--format <name>', 'how it is written; that of the ending of --out, or table').choices([
        'table',
        'csv',
        'markdown',
        'latex',
      ]),
    )
    .option('--apart', 'a row for each recipe where several have one name, named by what differs')
    .option('--out <file>', 'write to a file; .csv, .md and .tex choose the format')
    .addHelpText(
      'after',
      `
Means are taken over runs whose recipes differ in nothing but seed and observers. Where they ran on other
engines, with other numbers of threads or versions of packages, a note says so; they are averaged all the same.

Example:
  $ lgm compare results --figure ACC --baseline none --out comparison.tex`,
    )
    .action(async (folders: string[], options) => {
      const { compare } = await import('./compare.js')
      await compare(folders, options, surroundings)
    })
}

function addEvaluate(program: Command, surroundings: Surroundings): void {
  program
    .command('evaluate')
    .description('evaluate runs anew from the answers that lgm run --save-answers kept, without their models')
    .argument('<folder...>', 'folders of runs, or folders with such')
    .addOption(
      new Option(
        '--evaluators <names>',
        'evaluators in the place of those of the recipe, as accuracy,calibration',
      ).argParser(text => text.split(',')),
    )
    .addOption(
      new Option('--set <key.path=value>', 'change an option of an evaluator; may be repeated').argParser(collect),
    )
    .option('--out <file>', 'where the figures of one run are written; evaluation.json in its folder if absent')
    .addHelpText(
      'after',
      '\nExample:\n  $ lgm evaluate results --evaluators calibration --set evaluators.calibration.bins=10',
    )
    .action(async (folders: string[], options) => {
      const { evaluateRuns } = await import('./evaluate.js')
      await evaluateRuns(folders, options, surroundings)
    })
}

function addReport(program: Command, surroundings: Surroundings): void {
  program
    .command('report')
    .description('write one HTML page about runs: charts, tables, pictures, recipe; several are compared')
    .argument('<folder...>', 'folders of runs, or folders with such')
    .option('--out <file>', 'where the page is written; report.html in the first folder if absent')
    .option('--open', 'open the page')
    .addHelpText('after', '\nExample:\n  $ lgm report results --open')
    .action(async (folders: string[], options) => {
      const { report } = await import('./report.js')
      await report(folders, options, surroundings)
    })
}

function addWatch(program: Command, surroundings: Surroundings): void {
  program
    .command('watch')
    .description('show the page of a run in the browser while the run goes on, until Ctrl-C')
    .argument('<folder>', 'the --out of lgm run; it need not be there yet')
    .option('--port <number>', 'port on this machine; any that is free if absent', wholeNumber)
    .option('--open', 'open the page')
    .addHelpText('after', '\nExample:\n  $ lgm watch results/mine --open')
    .action(async (folder: string, options) => {
      const { watch } = await import('./watch.js')
      await watch(folder, options, surroundings)
    })
}

function addKnowledge(program: Command, surroundings: Surroundings): void {
  program
    .command('validate')
    .description('check recipes: keys, plugins, options, and whether they fit together')
    .argument('<recipe...>', 'YAML files')
    .addOption(set())
    .option('--data', 'also read the data and list the tasks')
    .action(async (recipes: string[], options) => {
      const { validate } = await import('./validate.js')
      await validate(recipes, options, surroundings)
    })
  program
    .command('plugins')
    .description('list points and installed plugins, or explain one with its options')
    .argument('[point/name]', 'a point, as regularizer, or one plugin, as regularizer/ewc')
    .action(async (which: string | undefined) => {
      const { explainPlugins } = await import('./plugins.js')
      await explainPlugins(which, surroundings)
    })
  program
    .command('schema')
    .description('print the JSON schema of recipes with the installed plugins, for editors')
    .action(async () => {
      const { recipeSchema } = await import('./schema.js')
      surroundings.out(JSON.stringify(await recipeSchema([surroundings.cwd]), null, 2))
    })
}

function addMachine(program: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  program
    .command('doctor')
    .description('say what this machine has, and what to do about what is wrong')
    .action(async () => {
      const { doctor } = await import('./doctor.js')
      finish(await doctor(surroundings))
    })
  program
    .command('setup-native')
    .description('set up the native engine for this user')
    .option('--force', 'make it anew, even where a working one is there')
    .action(async (options: { force?: boolean }) => {
      const { setUpNative } = await import('./machine.js')
      await setUpNative(options, surroundings)
    })
  program
    .command('data')
    .description('data sets that can be downloaded')
    .command('fetch')
    .description('download a data set into the cache folder, checked')
    .argument('<dataset>', 'name of an installed data set, as fashion-mnist')
    .option('--folder <folder>', 'where the files go')
    .option('--from <address>', 'address of a mirror')
    .action(async (name: string, options: { folder?: string; from?: string }) => {
      const { fetchDataset } = await import('./machine.js')
      await fetchDataset(name, options, surroundings)
    })
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 0.')
  return Number(text)
}

function minutes(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('expected a number of minutes from 0.')
  return value
}

/** More seeds than this are a slip. */
const mostSeeds = 1000

function seedRange(text: string): readonly number[] {
  const [, from, to] = /^(\d{1,15})\.\.(\d{1,15})$/.exec(text) ?? []
  const seeds =
    from !== undefined && Number(to) >= Number(from) && Number(to) - Number(from) < mostSeeds
      ? Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i)
      : /^\d{1,15}(,\d{1,15})*$/.test(text)
        ? text.split(',').map(Number)
        : []
  if (seeds.length === 0 || new Set(seeds).size < seeds.length)
    throw new InvalidArgumentError(`expected up to ${mostSeeds} different seeds, as 0..4 or 0,3,7.`)
  return seeds
}
