import {createHash} from 'node:crypto'
import {mkdir, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import path from 'node:path'

import {endProcesses} from './processes.js'
import {runScript} from './run-script.js'

/**
 * A platform that works: an instance is a folder on this machine, with the processes that were started in it. What a real platform does elsewhere
 * is marked with "Yours:". The contract is tested from the first day: node --test.
 *
 * @implements {import('runctl').Provider}
 */
export class ShedProvider {
  name = 'shed'

  /** @param {import('runctl').ProviderEnvironment} environment */
  constructor({dataDir, RunctlError}) {
    this.folder = path.join(dataDir, 'shed')
    this.RunctlError = RunctlError
    this.shell = {
      maxInputBytes: 16 << 20,
      maxOutputBytes: 8 << 20,
      maxWaitMs: 25_000,
      /** @type {import('runctl').Shell['run']} */
      run: (id, request) => this.run(id, request),
    }
  }

  /**
   * Yours: ask for a machine, with its tags in the same step. One request id is one machine, however often it is asked: most clouds take such a key.
   * Here the id is made from it, and a folder that is there is not made again.
   * @param {import('runctl').CreateInstanceRequest} request
   * @param {import('runctl').CallOptions} [options]
   * @returns {Promise<import('runctl').Instance>}
   */
  async createInstance({instanceType, name, options = {}, requestId, tags}, {signal} = {}) {
    signal?.throwIfAborted()
    const [option] = Object.keys(options)
    if (option !== undefined) throw new this.RunctlError('bad_input', `machines in the shed have no --${option}`)
    if (instanceType !== undefined) throw new this.RunctlError('bad_input', `machines in the shed have no types, and so no ${JSON.stringify(instanceType)}`)
    const id = `shed-${createHash('sha256').update(requestId).digest('hex').slice(0, 8)}`
    const at = new Date().toISOString()
    const record = {state: 'running', createdAt: at, launchedAt: at, tags: name === undefined ? tags : {...tags, Name: name}}
    // Whole or not at all: it is moved to its place when it is complete.
    const fresh = path.join(this.folder, `.new-${process.pid}-${Math.random().toString(36).slice(2)}`)
    await mkdir(path.join(fresh, 'home'), {recursive: true})
    await writeFile(path.join(fresh, 'instance.json'), JSON.stringify(record))
    await rename(fresh, path.join(this.folder, id)).catch(() => rm(fresh, {recursive: true}))
    return this.asInstance(id, await this.read(id))
  }

  /**
   * Yours: by id, state and tags, page by page. An id that does not exist is left out.
   * @param {import('runctl').InstanceQuery} query
   * @param {import('runctl').CallOptions} [options]
   * @returns {AsyncIterable<import('runctl').Instance>}
   */
  async *describeInstances({filters, ids, states, tags = {}}, {signal} = {}) {
    if (filters) throw new this.RunctlError('bad_input', 'the shed has no filters of its own', {next: ['runctl resources list --platform shed']})
    const all = (await readdir(this.folder).catch(() => [])).filter(name => name.startsWith('shed-'))
    for (const id of all.filter(one => !ids || ids.includes(one))) {
      signal?.throwIfAborted()
      const instance = this.asInstance(id, await this.read(id))
      if (states && !states.includes(instance.state)) continue
      if (Object.entries(tags).every(([key, value]) => instance.tags[key] === value)) yield instance
    }
  }

  /**
   * Yours: start it, and answer when that is accepted. `launchedAt` is later with each start.
   * @param {string} id
   */
  async startInstance(id) {
    return this.change(id, record => {
      if (record.state === 'running') return record
      if (record.state !== 'stopped') throw new this.RunctlError('wrong_state', `${id} is ${record.state} and cannot be started`, {next: ['runctl shed create']})
      return {...record, state: 'running', launchedAt: new Date(Math.max(Date.now(), Date.parse(record.launchedAt) + 1)).toISOString()}
    })
  }

  /**
   * Yours: end its processes, keep its disk.
   * @param {string} id
   */
  async stopInstance(id) {
    return this.change(id, async record => {
      if (record.state === 'terminated') throw new this.RunctlError('wrong_state', `${id} is terminated`, {next: ['runctl shed create']})
      await endProcesses(id)
      return {...record, state: 'stopped'}
    })
  }

  /**
   * Yours: end its processes, give up its disk.
   * @param {string} id
   */
  async terminateInstance(id) {
    return this.change(id, async record => {
      await endProcesses(id)
      await rm(path.join(this.folder, id, 'home'), {recursive: true, force: true})
      return {...record, state: 'terminated'}
    })
  }

  /**
   * Yours: add and replace, keep the others.
   * @param {string} id
   * @param {Readonly<Record<string, string>>} tags
   */
  async setTags(id, tags) {
    await this.change(id, record => ({...record, tags: {...record.tags, ...tags}}))
  }

  /**
   * Yours: run it there, with the bytes in and out as they are.
   * @param {string} id
   * @param {import('runctl').ShellRequest} request
   */
  async run(id, request) {
    request.signal?.throwIfAborted()
    const record = await this.read(id)
    if (record.state !== 'running') throw new this.RunctlError('wrong_state', `${id} is ${record.state}, not running`, {next: [`runctl shed start ${id} --wait`]})
    const home = path.join(this.folder, id, 'home')
    const env = {PATH: process.env.PATH, HOME: home, RUNCTL_INSTANCE_ID: id, RUNCTL_BOOT_ID: `${id} ${record.launchedAt}`, RUNCTL_BOOT_AT: record.launchedAt}
    return runScript(request, {cwd: home, env, maxOutputBytes: this.shell.maxOutputBytes, RunctlError: this.RunctlError})
  }

  async read(id) {
    const text = await readFile(path.join(this.folder, path.basename(id), 'instance.json'), 'utf8').catch(() => null)
    if (text === null) throw new this.RunctlError('not_found', `there is no machine ${id} in the shed`, {next: ['runctl shed status']})
    return JSON.parse(text)
  }

  /** Yours: a cloud does this by itself. Here two commands at once must not undo each other's change, so one at a time has the folder `lock`. */
  async change(id, make) {
    await this.read(id)
    const folder = path.join(this.folder, path.basename(id))
    const lock = path.join(folder, 'lock')
    while (!(await mkdir(lock).then(() => true, () => false))) await new Promise(resolve => setTimeout(resolve, 10))
    try {
      const record = await make(await this.read(id))
      await writeFile(path.join(folder, 'instance.json.new'), JSON.stringify(record))
      await rename(path.join(folder, 'instance.json.new'), path.join(folder, 'instance.json'))
      return this.asInstance(id, record)
    } finally {
      await rm(lock, {recursive: true, force: true})
    }
  }

  /** @returns {import('runctl').Instance} */
  asInstance(id, {createdAt, launchedAt, state, tags}) {
    return {id, platform: 'shed', name: tags.Name ?? null, state, stateReason: null, region: null, instanceType: null, lifecycle: 'on-demand', createdAt, launchedAt, tags}
  }
}
