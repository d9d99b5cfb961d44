import {expect} from 'chai'

import {recordStart} from '../../src/core/record-start.js'
import {RunctlError} from '../../src/model/errors.js'
import {TAGS} from '../../src/model/instance.js'
import {FakeDeps} from '../support/fake-deps.js'

const FACTS = {runId: 'run-1', project: 'mnist', output: 's3://b/out'}

describe('what a start writes into the tags', () => {
  async function after(before: Readonly<Record<string, string>>, over: Partial<typeof FACTS> | {readonly output: null} = {}): Promise<{readonly calls: number; readonly tags: Readonly<Record<string, string>>}> {
    const deps = new FakeDeps({tags: before})
    await recordStart({...FACTS, ...over}, deps.provider.get(), deps)
    return {calls: deps.journal.length, tags: deps.provider.get().tags}
  }

  it('is run, project and output in one call, where one of the latter is another', async () => {
    const all = {[TAGS.lastRun]: 'run-1', [TAGS.project]: 'mnist', [TAGS.output]: 's3://b/out'}
    expect(await after({})).to.deep.equal({calls: 1, tags: all})
    expect(await after({[TAGS.project]: 'mnist'})).to.deep.equal({calls: 1, tags: all})
    expect((await after({[TAGS.project]: 'mnist', [TAGS.output]: 's3://b/other'})).tags[TAGS.output]).to.equal('s3://b/out')
  })

  it('is nothing where they say so already', async () => {
    const known = {[TAGS.project]: 'mnist', [TAGS.lastRun]: 'run-0'}
    expect((await after({...known, [TAGS.output]: 's3://b/out'})).calls).to.equal(0)
    expect((await after(known, {output: null})).calls).to.equal(0)
  })

  it('never leaves an output that is not that of the run: it would lead astray', async () => {
    for (const output of [null, `s3://b/${'x'.repeat(256)}`, 's3://b/a\tb', 's3://b/<x>']) {
      expect((await after({[TAGS.project]: 'mnist', [TAGS.output]: 's3://b/old'}, {output: output as string})).tags[TAGS.output], String(output)).to.equal('')
    }
  })

  it('refused, is a warning: the run has started', async () => {
    const deps = new FakeDeps({})
    deps.provider.failures.setTags = new RunctlError('platform_failed', 'not allowed')
    await recordStart(FACTS, deps.provider.get(), deps)
    expect(deps.progress.warnings.join()).to.contain('not allowed')
  })
})
