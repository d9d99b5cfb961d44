import {randomUUID} from 'node:crypto'

import type {InstanceQuery} from '../providers/provider.js'
import {check, checkEqual, checkRejects} from './assertions.js'
import type {ContractSubject} from './contract-subject.js'

/** What must hold of instances, by title. */
export const INSTANCE_CONTRACT: Readonly<Record<string, (subject: ContractSubject) => Promise<void>>> = {
  async 'creates one instance for one request id, however often it is asked'(subject) {
    const request = subject.request({tags: {'runctl:contract': randomUUID()}})
    const [first, second] = await Promise.all([subject.create(request), subject.create(request)])
    const third = await subject.create(request)
    checkEqual([second.id, third.id], [first.id, first.id], 'the same request id')
    checkEqual((await settledIds(subject, {tags: request.tags}, [first.id])).length, 1, 'instances with the tags of one request')
    const other = await subject.create(subject.request())
    check(other.id !== first.id, 'another request id must lead to another instance')
  },

  async 'gives an instance its name and tags in the step that creates it'(subject) {
    const tags = {'runctl:contract': 'first', empty: '', 'with spaces': 'a  b, "c" \'d\' é'}
    const created = await subject.create(subject.request({name: 'contract name', tags}))
    check(['pending', 'running'].includes(created.state), `a new instance is pending or running, not ${created.state}`)
    const found = await subject.settled(() => subject.describe(created.id), instance => instance !== undefined)
    check(found !== undefined, 'a new instance is described')
    for (const instance of [created, found]) {
      checkEqual(instance.platform, subject.provider.name, 'platform')
      checkEqual(instance.name, 'contract name', 'name')
      for (const [key, value] of Object.entries(tags)) checkEqual(instance.tags[key], value, `tag ${key}`)
      check(instance.createdAt !== null && !Number.isNaN(Date.parse(instance.createdAt)), 'createdAt is a time')
    }
  },

  async 'describes by id, state and tags, and leaves out what does not exist'(subject) {
    const mark = randomUUID()
    const a = await subject.create(subject.request({tags: {'runctl:contract': mark, side: 'a'}}))
    const b = await subject.create(subject.request({tags: {'runctl:contract': mark, side: 'b'}}))
    await Promise.all([subject.until(a.id, 'running'), subject.until(b.id, 'running')])
    const both = [a.id, b.id].sort()
    const unknown = unknownId(a.id)
    checkEqual(await settledIds(subject, {ids: [a.id, unknown]}, [a.id]), [a.id], 'an unknown id among others')
    checkEqual(await idsOf(subject, {ids: [unknown]}), [], 'an unknown id alone')
    checkEqual(await idsOf(subject, {ids: []}), [], 'no ids at all')
    checkEqual(await settledIds(subject, {tags: {'runctl:contract': mark}}, both), both, 'by one tag')
    checkEqual(await settledIds(subject, {tags: {'runctl:contract': mark, side: 'b'}}, [b.id]), [b.id], 'by two tags')
    checkEqual(await idsOf(subject, {tags: {'runctl:contract': mark.slice(1)}}), [], 'by a part of a value')
    checkEqual(await settledIds(subject, {ids: both, states: ['running']}, both), both, 'running ones')
    checkEqual(await idsOf(subject, {ids: both, states: ['stopped', 'stopping']}), [], 'stopped ones, where none is')
    const all = await subject.settled(() => idsOf(subject, {}), ids => both.every(id => ids.includes(id)))
    check(both.every(id => all.includes(id)), 'without a filter every instance is described')
  },

  async 'refuses filters that it does not know'(subject) {
    await checkRejects(idsOf(subject, {filters: {'no-such-filter-anywhere': ['x']}}), ['bad_input'], 'a filter that nobody knows')
  },

  async 'merges tags: adds, replaces, keeps the others'(subject) {
    const {id} = await subject.create(subject.request({tags: {kept: '1', replaced: 'old'}}))
    const longest = {key: 'k'.repeat(128), value: 'é'.repeat(256)}
    const set = {replaced: 'new', added: '', [longest.key]: longest.value}
    await subject.provider.setTags(id, set)
    const tags = await subject.tags(id, set)
    checkEqual([tags['kept'], tags['replaced'], tags['added'], tags[longest.key]], ['1', 'new', '', longest.value], 'tags')
  },

  async 'loses no tag when several are set at once'(subject) {
    const {id} = await subject.create()
    const keys = Array.from({length: 8}, (_, index) => `at-once-${index}`)
    await Promise.all(keys.map(key => subject.provider.setTags(id, {[key]: key})))
    const tags = await subject.tags(id, Object.fromEntries(keys.map(key => [key, key])))
    checkEqual(keys.filter(key => tags[key] !== key), [], 'tags that were lost')
  },

  async 'stops, starts and terminates, and takes each of them twice'(subject) {
    const {id} = await subject.createRunning()
    const {provider} = subject
    await provider.startInstance(id)
    checkEqual((await subject.describe(id))?.state, 'running', 'a running instance that is started')
    await provider.stopInstance(id)
    await provider.stopInstance(id)
    await subject.until(id, 'stopped')
    await provider.stopInstance(id)
    checkEqual((await subject.describe(id))?.state, 'stopped', 'a stopped instance that is stopped')
    await provider.startInstance(id)
    await provider.startInstance(id)
    await subject.until(id, 'running')
    await provider.terminateInstance(id)
    await provider.terminateInstance(id)
    await subject.until(id, 'terminated')
    await provider.terminateInstance(id)
  },

  async 'terminates a stopped instance, and starts none that is terminated'(subject) {
    const {id} = await subject.createRunning()
    await subject.stop(id)
    await subject.provider.terminateInstance(id)
    await subject.until(id, 'terminated')
    await checkRejects(subject.provider.startInstance(id), ['wrong_state'], 'starting a terminated instance')
  },

  async 'changes launchedAt at every start, and at nothing else'(subject) {
    const created = await subject.createRunning()
    const first = created.launchedAt
    check(first !== null, 'a running instance has a launchedAt')
    await subject.provider.setTags(created.id, {touched: 'yes'})
    checkEqual((await subject.stop(created.id)).launchedAt, first, 'launchedAt of the stopped instance')
    const second = (await subject.start(created.id)).launchedAt
    check(second !== null && Date.parse(second) > Date.parse(first), `launchedAt must be later after a start: ${first}, then ${second}`)
    checkEqual((await subject.describe(created.id))?.createdAt, created.createdAt, 'createdAt')
  },

  async 'says not_found for an instance that does not exist'(subject) {
    const {id} = await subject.create()
    const unknown = unknownId(id)
    const {provider} = subject
    await checkRejects(provider.startInstance(unknown), ['not_found'], 'start')
    await checkRejects(provider.stopInstance(unknown), ['not_found'], 'stop')
    await checkRejects(provider.terminateInstance(unknown), ['not_found'], 'terminate')
    await checkRejects(provider.setTags(unknown, {a: 'b'}), ['not_found'], 'setTags')
    await checkRejects(subject.sh(unknown, 'exit 0'), ['not_found'], 'shell')
  },

  async 'refuses options that it does not know, and creates nothing'(subject) {
    const request = subject.request({tags: {'runctl:contract': randomUUID()}, options: {'no-such-option-anywhere': true}})
    await checkRejects(subject.create(request), ['bad_input'], 'an option that nobody knows')
    checkEqual(await idsOf(subject, {tags: request.tags}), [], 'instances of a refused create')
    if (subject.provider.planCreate) await checkRejects(subject.provider.planCreate(request), ['bad_input'], 'planning with an option that nobody knows')
  },

  async 'does nothing when the call is cancelled before it begins'(subject) {
    const reason = new Error('cancelled by the contract')
    const signal = AbortSignal.abort(reason)
    const request = subject.request({tags: {'runctl:contract': randomUUID()}})
    const error = await subject.provider.createInstance(request, {signal}).then(() => undefined, (thrown: unknown) => thrown)
    check(error === reason, `a cancelled call rejects with the signal's reason, not with ${String(error)}`)
    checkEqual(await idsOf(subject, {tags: request.tags}), [], 'instances of a cancelled create')
  },
}

/** By then every answer knows of what was done before. */
const settledIds = (subject: ContractSubject, query: InstanceQuery, wanted: readonly string[]): Promise<readonly string[]> =>
  subject.settled(() => idsOf(subject, query), ids => JSON.stringify(ids) === JSON.stringify(wanted))

async function idsOf(subject: ContractSubject, query: InstanceQuery): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const {id} of subject.provider.describeInstances(query)) ids.push(id)
  return ids.sort()
}

/** Of the same shape as a real one. */
function unknownId(id: string): string {
  const last = id.at(-1) === '0' ? '1' : '0'
  return `${id.slice(0, -8)}0000000${last}`
}
