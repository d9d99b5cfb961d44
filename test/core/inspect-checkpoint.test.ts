import {expect} from 'chai'

import type {InspectRequest} from '../../src/agent/checkpoint-protocol.js'
import {inspectCheckpoint, type CheckpointAddress} from '../../src/core/inspect-checkpoint.js'
import {answerOf, fakeInspector, tensor, xrayOf} from '../support/inspect-answers.js'
import {MemoryStore} from '../support/memory-store.js'
import {ScriptedAgent} from '../support/scripted-agent.js'

const {signal} = new AbortController()
const noHere = {inspectHere: () => Promise.reject(new Error('nobody asked for this machine')), signal}

const RUN = 'run-20261123-100000-0000000a'

describe('inspectCheckpoint', () => {
  it('asks an instance for further tensors until all that are wanted are there', async () => {
    const all = Array.from({length: 25}, (_, at) => tensor(`t${String(at).padStart(2, '0')}`))
    const requests: InspectRequest[] = []
    const agent = new ScriptedAgent({inspect: request => {
      requests.push(request)
      const from = request.after === undefined ? 0 : all.findIndex(({name}) => name === request.after) + 1
      const part = all.slice(from, from + Math.min(10, request.max_tensors))
      return answerOf({}, {xray: xrayOf(part, {tensor_count: 25, tensors_left_out: 25 - from - part.length})})
    }})
    const address: CheckpointAddress = {kind: 'instance', instanceId: 'mem-1', agent: agent.asClient(), request: {path: 'checkpoints/a.pt', run_id: 'run-1'}}
    const {info} = await inspectCheckpoint(address, {full: false, maxTensors: 100}, noHere)
    expect(info.xray?.tensors).to.deep.equal(all)
    expect(info.xray).to.include({tensors_left_out: 0, tensor_count: 25})
    expect(requests.map(({after}) => after)).to.deep.equal([undefined, 't09', 't19'])
    expect(requests[0]).to.deep.include({path: 'checkpoints/a.pt', run_id: 'run-1', full: false, max_bytes: agent.maxOutputBytes})
    expect((await inspectCheckpoint(address, {full: false, maxTensors: 12}, noHere)).info.xray).to.deep.include({tensors_left_out: 13})
  })

  it('does not read everything again for the tensors that did not fit', async () => {
    const agent = new ScriptedAgent({inspect: () => answerOf({}, {xray: xrayOf([tensor('a')], {tensor_count: 2, tensors_left_out: 1})})})
    await inspectCheckpoint({kind: 'instance', instanceId: 'mem-1', agent: agent.asClient(), request: {path: 'a'}}, {full: true, maxTensors: 100}, noHere)
    expect(agent.calls).to.have.length(1)
  })

  it('has an object in a store read by a URL, and takes from its manifest what the object does not tell', async () => {
    const store = new MemoryStore()
    const uri = `s3://bucket/runs/p/${RUN}/checkpoints/a.pt`
    await store.put(uri, Buffer.from('abcd'))
    await store.put(`${uri}.manifest.json`, Buffer.from(JSON.stringify({
      kind: 'file', sha256: 'cd'.repeat(32), size_bytes: 4, step: 9, epoch: 1, metrics: {loss: 0.5, acc: 1}, run_id: RUN, attempt: 2, verified_at: '2026-11-23T10:00:00Z',
      version: 1, path: 'checkpoints/a.pt', state: 'complete', format: null, modified_at: '2026-11-23T10:00:00Z', files: [],
    })))
    const here = fakeInspector(() => answerOf({sha256: null, step: null, epoch: 2, metrics: {acc: 0.75}, run_id: null}))
    const {info} = await inspectCheckpoint({kind: 'stored', uri, store}, {full: false, maxTensors: 5}, {...here, signal})
    expect(here.asked[0]?.object?.files).to.have.length(1)
    expect(here.asked[0]?.object?.files[0]).to.deep.include({path: '', size_bytes: 4})
    expect(info).to.deep.include({path: uri, sha256: 'cd'.repeat(32), step: 9, epoch: 2, metrics: {loss: 0.5, acc: 0.75}, run_id: RUN, attempt: 2})
    expect(info.places).to.deep.equal([{kind: 's3', where: 'bucket', path: `runs/p/${RUN}/checkpoints/a.pt`, verified_at: '2026-11-23T10:00:00Z'}])
  })

  it('calls one partial of which the manifest names more than is there', async () => {
    const store = new MemoryStore()
    await store.put('s3://b/c-1/a.json', Buffer.from('{}'))
    const files = [{path: 'a.json', size: 2, sha256: 'cd'.repeat(32)}, {path: 'm.safetensors', size: 9, sha256: 'ef'.repeat(32)}]
    await store.put('s3://b/c-1.manifest.json', Buffer.from(JSON.stringify({
      version: 1, kind: 'folder', path: 'checkpoints/c-1', state: 'complete', format: null, sha256: 'ab'.repeat(32), size_bytes: 4, step: null, epoch: null, metrics: {},
      modified_at: '2026-11-23T10:00:00Z', verified_at: '2026-11-23T10:00:05Z', run_id: 'run-20261123-100000-0000000a', attempt: 1, files,
    })))
    const here = fakeInspector(() => answerOf())
    const {info} = await inspectCheckpoint({kind: 'stored', uri: 's3://b/c-1', store}, {full: false, maxTensors: 5}, {...here, signal})
    expect(info).to.include({state: 'partial', state_detail: 'm.safetensors is not there'})
  })
})
