import {spawn} from 'node:child_process'
import {mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'

/** Instances that are folders, one after another; enough to see that every verb comes to a plugin's platform. */
export class ShedProvider {
  name = 'shed'
  shell = {maxInputBytes: 1 << 20, maxOutputBytes: 1 << 20, maxWaitMs: 1000, run: (id, request) => this.run(id, request)}

  constructor({RunctlError, dataDir}) {
    this.RunctlError = RunctlError
    this.folder = join(dataDir, 'shed')
    this.file = join(this.folder, 'instances.json')
  }

  all() {
    try {
      return JSON.parse(readFileSync(this.file, 'utf8'))
    } catch {
      return []
    }
  }

  put(instance) {
    mkdirSync(join(this.folder, instance.id), {recursive: true})
    writeFileSync(`${this.file}.tmp`, JSON.stringify([...this.all().filter(({id}) => id !== instance.id), instance]))
    renameSync(`${this.file}.tmp`, this.file)
    return instance
  }

  change(id, what) {
    const instance = this.all().find(one => one.id === id)
    if (!instance) throw new this.RunctlError('not_found', `there is no machine ${id} in the shed`, {next: ['runctl shed status']})
    return this.put({...instance, ...what})
  }

  async createInstance({name = null, options = {}, requestId, tags}) {
    const known = this.all().find(instance => instance.requestId === requestId)
    const now = new Date().toISOString()
    return known ?? this.put({
      id: `shed-${this.all().length + 1}`, platform: 'shed', name, state: 'running', stateReason: null, region: null, instanceType: options.shelf ?? 'top',
      lifecycle: 'on-demand', createdAt: now, launchedAt: now, tags, requestId,
    })
  }

  async *describeInstances({ids, states, tags = {}}) {
    for (const one of this.all()) {
      const isMeant = (!ids || ids.includes(one.id)) && (!states || states.includes(one.state)) && Object.entries(tags).every(([key, value]) => one.tags[key] === value)
      if (isMeant) yield one
    }
  }

  async startInstance(id) {
    return this.change(id, {state: 'running', launchedAt: new Date().toISOString()})
  }

  async stopInstance(id) {
    return this.change(id, {state: 'stopped'})
  }

  async terminateInstance(id) {
    return this.change(id, {state: 'terminated'})
  }

  async setTags(id, tags) {
    this.change(id, {tags: {...this.all().find(one => one.id === id)?.tags, ...tags}})
  }

  run(id, {script, signal, stdin}) {
    const home = join(this.folder, id)
    return new Promise((resolve, reject) => {
      const child = spawn('sh', ['-c', script], {cwd: home, env: {PATH: process.env.PATH, HOME: home}, signal})
      const out = {stdout: [], stderr: []}
      for (const name of ['stdout', 'stderr']) child[name].on('data', chunk => out[name].push(chunk))
      child.once('error', reject).once('close', code => resolve({exitCode: code ?? 128, stdout: Buffer.concat(out.stdout), stderr: Buffer.concat(out.stderr)}))
      child.stdin.on('error', () => undefined)
      child.stdin.end(stdin ?? '')
    })
  }
}
