import assert from 'node:assert/strict'
import {describe, it} from 'node:test'

import precreate from '../precreate.js'
import {summarize} from '../summarize.js'

class RunctlError extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }
}
const at = (usdPerHour, team, request = {}) => precreate.call({}, {
  platform: 'cloud', provider: {name: 'cloud', planCreate: async () => ({settings: {}, usdPerHour})}, request, RunctlError, settings: {team}, signal: new AbortController().signal,
})

describe('the rules for new machines', () => {
  it('say nothing where nothing is set', () => at(100, {}))
  it('refuse one that costs more, and one whose price is not known', async () => {
    await assert.rejects(at(2, {max_usd_per_hour: 1.5}), {code: 'over_budget', message: 'it would cost $2.00 an hour; ours cost at most $1.50'})
    await assert.rejects(at(null, {max_usd_per_hour: 1.5}), {code: 'platform_failed'})
    await at(1.5, {max_usd_per_hour: 1.5})
  })
  it('want a name where that is wanted', async () => {
    await assert.rejects(at(1, {name_required: true}), {code: 'bad_input'})
    await at(1, {name_required: true}, {name: 'ablation'})
  })
})

describe('who has what', () => {
  const instance = (id, owner) => ({id, name: null, tags: {'runctl:owner': owner}})
  const platform = (instances, usd) => ({pricing: {hourlyPrice: async () => usd === null ? null : {usdPerHour: usd}}, async *describeInstances() {
    yield* instances
  }})
  it('adds up by owner, knows no sum with an unknown part, and leaves out what does not answer', async () => {
    const broken = {pricing: {hourlyPrice: async () => ({usdPerHour: 2})}, async *describeInstances() {
      yield instance('d-1', 'eva')
      throw new Error('page 2 failed')
    }}
    const platforms = {d: broken, a: platform([instance('a-1', 'eva'), instance('a-2', 'tom')], 2), b: platform([instance('b-1', 'tom')], null)}
    const api = {platformNames: async () => ['a', 'b', 'c', 'd'], openPlatform: async name => platforms[name] ?? Promise.reject(new Error('no credentials'))}
    const {rows, warnings} = await summarize(api)
    assert.deepEqual(rows.map(({cost_per_hour, owner}) => [owner, cost_per_hour]), [['tom', null], ['eva', 2]])
    assert.deepEqual(warnings, ['c is left out: no credentials', 'd is left out: page 2 failed'])
  })
})
