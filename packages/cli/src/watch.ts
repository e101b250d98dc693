import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { expected, Interrupted } from '@lgm/core'
import type { Surroundings } from './main.js'
import { opened } from './report.js'
import { Watched } from './watched.js'

/** The options of `lgm watch`. */
export interface WatchOptions {
  readonly port?: number
  readonly open?: boolean
}

/** Milliseconds between two looks at the folder, and at least between two drawings. */
const often = 500
const seldom = 2000
/** Drawing takes no more than this part of the time. */
const share = 0.1

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * Shows the run in a folder in the browser while it goes on, until Ctrl-C.
 * @throws LgmError `input` when the port is taken; Interrupted after Ctrl-C.
 */
export async function watch(folder: string, options: WatchOptions, { cwd, out, err }: Surroundings): Promise<void> {
  const watching = await startWatching(resolve(cwd, folder), options.port, err)
  out(watching.address)
  const stopped = new Promise<void>(done => {
    process.once('SIGINT', done)
    process.once('SIGTERM', done)
  })
  if (options.open && !(await opened(watching.address)))
    err(`no program that opens pages was found; open the address yourself`)
  await stopped
  watching.close()
  throw new Interrupted()
}

/** A server that shows the run in a folder on this machine alone, to those who know its address. */
export async function startWatching(
  folder: string,
  port = 0,
  err: (text: string) => void = () => {},
): Promise<{ readonly address: string; close(): void }> {
  const watching = new Watching(folder, err)
  const address = await watching.listen(port)
  return { address, close: () => watching.close() }
}

class Watching {
  readonly #watched: Watched
  readonly #token = randomBytes(16).toString('hex')
  readonly #server: Server
  readonly #err: (text: string) => void
  readonly #listeners = new Map<ServerResponse, { version: number; status: string }>()
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #drawn = Number.NEGATIVE_INFINITY
  #pause = 0
  #work: Promise<void> = Promise.resolve()

  constructor(folder: string, err: (text: string) => void) {
    this.#watched = new Watched(folder)
    this.#err = err
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((done, fail) => {
      this.#server.once('error', fail)
      // this machine alone: never all of its addresses
      this.#server.listen({ host: '127.0.0.1', port, exclusive: true }, done)
    }).catch((error: NodeJS.ErrnoException) => {
      throw expected('--port', 'a port that is free', `${port} (${error.code})`, 'name another, or none', 'input')
    })
    this.#tick()
    return `http://127.0.0.1:${this.#port}/${this.#token}/`
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #tick(): void {
    void this.#inTurn(false).then(() => {
      if (!this.#closed) this.#timer = setTimeout(() => this.#tick(), often)
    })
  }

  /** Looks after the looks before, so that no two read at once. */
  #inTurn(now: boolean): Promise<void> {
    this.#work = this.#work
      .then(() => this.#look(now))
      .catch(error => this.#err(`lgm watch: ${(error as Error).message}`))
    return this.#work
  }

  /** Reads what is new, draws it if somebody looks and the last drawing was not just now, and tells those who listen. */
  async #look(now: boolean): Promise<void> {
    await this.#watched.poll()
    const start = performance.now()
    if (now || (this.#listeners.size > 0 && start - this.#drawn > this.#pause)) {
      if (await this.#watched.draw()) {
        this.#drawn = performance.now()
        this.#pause = Math.max(seldom, (this.#drawn - start) / share)
      }
    }
    for (const response of this.#listeners.keys()) this.#tell(response)
  }

  #tell(response: ServerResponse): void {
    const told = this.#listeners.get(response)!
    // one that does not read gets all that it missed when it does
    if (response.writableNeedDrain) return
    const news = this.#watched.since(told.version)
    if (!news.sections && news.status === told.status) return
    this.#listeners.set(response, { version: this.#watched.version, status: news.status })
    response.write(`id: ${this.#watched.version}\ndata: ${JSON.stringify(news)}\n\n`)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const [, token = '', ...rest] = pathname.split('/')
    const place = rest.join('/')
    const refuse = (code: number, why: string) =>
      void response.writeHead(code, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${why}\n`)
    // a page of another name that leads here, by DNS, names itself as the host
    if (![`127.0.0.1:${this.#port}`, `localhost:${this.#port}`].includes(request.headers.host ?? ''))
      return refuse(403, 'wrong host')
    if (!same(token, this.#token))
      return refuse(
        403,
        'not an address of lgm watch, or one that has expired: open the whole address that it wrote when it was last started',
      )
    if (request.method !== 'GET') return refuse(405, 'only to be read')
    if (place === '') return this.#page(response)
    if (place !== 'events') return refuse(404, 'nothing here')
    const from = Number(request.headers['last-event-id'] ?? searchParams.get('from') ?? Number.NaN)
    response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' })
    response.write('retry: 1000\n\n')
    response.on('close', () => this.#listeners.delete(response))
    this.#listeners.set(response, { version: Number.isInteger(from) ? from : -1, status: '' })
    this.#tell(response)
  }

  async #page(response: ServerResponse): Promise<void> {
    await this.#inTurn(performance.now() - this.#drawn > this.#pause)
    response.writeHead(200, { ...headers, 'Content-Type': 'text/html; charset=utf-8' }).end(this.#watched.page())
  }
}

/** Whether two texts are the same, in a time that says nothing of where they differ. */
function same(one: string, other: string): boolean {
  const [a, b] = [one, other].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}
