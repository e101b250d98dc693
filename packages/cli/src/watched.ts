import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { LearnerEvent } from '@lgm/core'
import { Progress, seconds } from '@lgm/observer-console'
import {
  LiveRun,
  liveSections,
  navHtml,
  type Picture,
  pageHtml,
  readPictures,
  runSections,
  type Section,
  titleOf,
  trainingSection,
} from '@lgm/report-page'
import { readRun, recipeOf } from '@lgm/runs'
import { Tail } from './tail.js'

/** Seconds without an event after which this is said. */
const silence = 30

/** What a browser is told: where the run is, and the sections that have changed since a version, if there are any. */
export interface News {
  readonly status: string
  readonly title?: string
  readonly nav?: string
  readonly order?: readonly string[]
  readonly sections?: readonly (readonly [id: string, html: string])[]
}

/** A section, and the version in which it changed last. */
interface Versioned {
  readonly section: Section
  readonly version: number
}

/** The run in a folder as it goes on: its events as they come, and a page of them. */
export class Watched {
  readonly #folder: string
  readonly #tail: Tail
  #live = new LiveRun()
  #progress = new Progress()
  #recipe: Readonly<Record<string, unknown>> = {}
  #pictures: readonly Picture[] = []
  #sections: readonly Versioned[] = []
  #title: string
  #report = ''
  #failed: string | undefined
  #last = 0
  #changed: 'nothing' | 'losses' | 'all' = 'all'
  #broken: string | undefined
  version = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#title = basename(folder)
    this.#tail = new Tail(join(folder, 'events.jsonl'))
  }

  /** Reads the events that are new. */
  async poll(): Promise<void> {
    const again = () => {
      this.#live = new LiveRun()
      this.#progress = new Progress()
      this.#failed = undefined
      this.#last = 0
      this.#changed = 'all'
    }
    const news = await this.#tail.poll(line => this.#notice(line), again)
    if (news && this.#changed === 'nothing') this.#changed = 'losses'
    const report = await stat(join(this.#folder, 'report.json')).then(
      ({ mtimeMs, size }) => `${mtimeMs}/${size}`,
      () => '',
    )
    if (report !== this.#report) this.#changed = 'all'
    this.#report = report
  }

  #notice(line: string): void {
    let event: LearnerEvent & { readonly time?: string }
    try {
      event = JSON.parse(line)
      if (typeof event !== 'object' || event === null) throw new Error('no event')
    } catch {
      this.#live.unreadable()
      return
    }
    const time = Date.parse(event.time ?? '')
    if (Number.isFinite(time)) this.#last = time
    this.#live.notice(event)
    try {
      this.#progress.notice(event, this.#last)
    } catch {
      this.#live.unreadable()
    }
    if (event.type === 'run-failed') this.#failed = String(event.message)
    if (event.type === 'run-start' || event.type === 'run-resume') this.#failed = undefined
    if (event.type === 'task-end' || event.type === 'picture' || event.type === 'run-start') this.#changed = 'all'
  }

  /** Where the run is, in words. */
  status(now = Date.now()): string {
    if (this.#broken !== undefined) return this.#broken
    if (this.#report !== '') return 'run ended'
    if (this.#last === 0) return `waiting for a run in ${this.#folder}`
    if (this.#failed !== undefined) return `run failed: ${this.#failed}`
    const quiet = (now - this.#last) / 1000
    if (quiet < silence) return this.#progress.line(now)
    return `${this.#progress.line(this.#last)} · nothing heard for ${seconds(quiet)}: it was stopped, or is at something long`
  }

  /** Draws anew what has changed since. @returns whether anything has */
  async draw(): Promise<boolean> {
    const changed = this.#changed
    if (changed === 'nothing') return false
    this.#changed = 'nothing'
    this.#keep(changed === 'all' ? await this.#all() : this.#withLosses())
    return true
  }

  async #all(): Promise<readonly Section[]> {
    this.#broken = undefined
    this.#recipe = await this.#readRecipe()
    this.#pictures = await readPictures(this.#folder)
    const run = this.#live.run(this.#folder, this.#recipe, this.#pictures)
    this.#title = this.#last === 0 ? basename(this.#folder) : titleOf(run)
    if (this.#report === '') return liveSections(run)
    try {
      const ended = await readRun(this.#folder)
      this.#title = titleOf(ended)
      return runSections({ ...ended, ...(run.curves && { curves: run.curves }), pictures: this.#pictures })
    } catch (error) {
      this.#broken = (error as Error).message
      return liveSections(run)
    }
  }

  #withLosses(): readonly Section[] {
    const training = trainingSection(this.#live.run(this.#folder, this.#recipe, this.#pictures))
    const before = this.#sections.map(({ section }) => section)
    if (!training) return before
    const at = before.findIndex(({ id }) => id === training.id)
    return at < 0 ? [...before, training] : before.with(at, training)
  }

  async #readRecipe(): Promise<Readonly<Record<string, unknown>>> {
    const path = join(this.#folder, 'recipe.resolved.yaml')
    try {
      return recipeOf(await readFile(path, 'utf8'), path)
    } catch {
      return {}
    }
  }

  #keep(sections: readonly Section[]): void {
    this.version++
    const before = new Map(this.#sections.map(known => [known.section.id, known]))
    this.#sections = sections.map(section => {
      const known = before.get(section.id)
      return known?.section.html.text === section.html.text ? known : { section, version: this.version }
    })
  }

  /** The whole page as it is now. */
  page(): string {
    const sections = this.#sections.map(({ section }) => section)
    return pageHtml(this.#title, [], sections, { status: this.status(), version: this.version })
  }

  /** What has changed since a version. */
  since(version: number): News {
    const status = this.status()
    if (version === this.version) return { status }
    const all = this.#sections.map(({ section }) => section)
    const fresh = this.#sections.filter(known => known.version > version)
    return {
      status,
      title: this.#title,
      nav: navHtml(all).text,
      order: all.map(({ id }) => id),
      sections: fresh.map(({ section }) => [section.id, section.html.text] as const),
    }
  }
}
