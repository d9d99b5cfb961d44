import {expect} from 'chai'

import {EXIT_NO_AGENT, EXIT_OLD_PYTHON} from '../../src/agent/bootstrap.js'
import {AgentClient} from '../../src/agent/client.js'
import {isRunctlError, RunctlError} from '../../src/model/errors.js'
import {ScriptedShell, shellResult} from '../support/memory-provider.js'
import {expectedFailure, rejection} from '../support/rejection.js'

const AGENT = {bytes: Buffer.from('the agent'), sha256: 'ab'.repeat(32)}
const NONE = shellResult('', EXIT_NO_AGENT)

function setUp(...answers: ReturnType<typeof shellResult>[]) {
  const shell = new ScriptedShell()
  shell.answer = () => answers.shift() ?? shellResult('{"recorded": 1}')
  let loaded = 0
  const client = new AgentClient(shell, 'mem-1', async () => {
    loaded++
    return AGENT
  })
  const stdin = (at: number): string => Buffer.from(shell.requests[at]?.stdin ?? []).toString()
  return {client, loads: () => loaded, shell, stdin}
}

describe('AgentClient', () => {
  it('sends the request as one line, the attachment behind it, and gives back the answer', async () => {
    const {client, shell, stdin} = setUp()
    expect(await client.call('record-copy', {copies: []}, {attachment: Buffer.from('bytes')})).to.deep.equal({recorded: 1})
    expect(shell.requests).to.have.length(1)
    expect(stdin(0)).to.equal('{"copies":[]}\nbytes')
    expect(shell.requests[0]?.script).to.include(AGENT.sha256).and.to.match(/ record-copy$/)
    expect(shell.requests[0]?.timeoutMs).to.equal(60_000)
  })

  it('adds the formats of plugins to the verbs that judge checkpoints, and asks for them for no other', async () => {
    const shell = new ScriptedShell()
    shell.answer = () => shellResult('{}')
    let asked = 0
    const format = {name: 'gguf', extensions: ['.gguf'], source: 'x'}
    const client = new AgentClient(shell, 'mem-1', async () => AGENT, async () => (asked++, [format]))
    await client.call('status', {})
    await client.call('record-copy', {copies: []})
    expect(asked).to.equal(0)
    await client.call('checkpoints', {project: 'demo'})
    await client.call('inspect', {path: 'a', full: false, max_tensors: 0})
    const sent = shell.requests.map(({stdin}) => JSON.parse(Buffer.from(stdin ?? []).toString()) as Record<string, unknown>)
    expect(sent.map(({formats}) => formats)).to.deep.equal([undefined, undefined, [format], [format]])
    expect(sent[2]).to.deep.equal({project: 'demo', formats: [format]})
    expect(await client.addedBytes('start')).to.be.greaterThan(JSON.stringify([format]).length)
    expect(await client.addedBytes('logs')).to.equal(2)
  })

  it('sends no formats where there are none', async () => {
    const {client, stdin} = setUp()
    await client.call('checkpoints', {project: 'demo'})
    expect(stdin(0)).to.equal('{"project":"demo"}\n')
  })

  it('hands on time limit and signal', async () => {
    const {client, shell} = setUp()
    const {signal} = new AbortController()
    await client.call('record-copy', {copies: []}, {signal, timeoutMs: 5})
    expect(shell.requests[0]).to.include({signal, timeoutMs: 5})
  })

  it('says what is confidential, also where the agent is sent first', async () => {
    const {client, shell} = setUp(NONE)
    await client.call('record-copy', {copies: []}, {confidential: true})
    expect(shell.requests.map(({confidential}) => confidential)).to.deep.equal([true, true])
    await client.call('record-copy', {copies: []})
    expect(shell.requests[2]).not.to.have.property('confidential')
  })

  it('installs in the same call as the request where both fit', async () => {
    const {client, shell, stdin} = setUp(NONE)
    await client.call('record-copy', {copies: []}, {attachment: Buffer.from('bytes')})
    expect(shell.requests).to.have.length(2)
    expect(stdin(1)).to.equal('the agent{"copies":[]}\nbytes')
    expect(shell.requests[1]?.script).to.include('"record-copy"')
  })

  it('installs in a call of its own where they do not fit', async () => {
    const {client, shell, stdin} = setUp(NONE, shellResult())
    shell.maxInputBytes = AGENT.bytes.length + '{"copies":[]}\n'.length - 1
    await client.call('record-copy', {copies: []})
    expect([0, 1, 2].map(stdin)).to.deep.equal(['{"copies":[]}\n', 'the agent', '{"copies":[]}\n'])
    expect(shell.requests[1]?.script).not.to.include('record-copy')
    const exact = setUp(NONE)
    exact.shell.maxInputBytes = shell.maxInputBytes + 1
    await exact.client.call('record-copy', {copies: []})
    expect(exact.shell.requests).to.have.length(2)
  })

  it('installs in parts where it is larger than one call takes, the request with the last where both fit', async () => {
    const laid = [NONE, shellResult(), shellResult()]
    const {client, shell, stdin} = setUp(...laid)
    shell.maxInputBytes = 4
    await client.call('record-copy', {copies: []})
    expect([0, 1, 2, 3, 4].map(stdin)).to.deep.equal(['{"copies":[]}\n', 'the ', 'agen', 't', '{"copies":[]}\n'])
    const roomy = setUp(...laid)
    const long = {bytes: Buffer.alloc(50, 'a'), sha256: AGENT.sha256}
    const other = new AgentClient(roomy.shell, 'mem-1', async () => long)
    roomy.shell.maxInputBytes = 20
    await other.call('status', {})
    expect([1, 2, 3].map(at => roomy.stdin(at))).to.deep.equal(['a'.repeat(20), 'a'.repeat(20), `${'a'.repeat(10)}{}\n`])
    expect(roomy.shell.requests[3]?.script).to.include('"status"')
  })

  it('turns the failure of the agent into an expected one, with code and details', async () => {
    const {client} = setUp(shellResult('{"error": {"code": "run_active", "message": "busy", "details": {"run_id": "r"}}}'))
    expect(await expectedFailure(client.call('status', {}))).to.deep.include({code: 'run_active', message: 'busy', details: {run_id: 'r'}})
  })

  it('takes a code that it does not know for platform_failed', async () => {
    for (const code of ['from_the_future', 'toString', 'constructor', null]) {
      const {client} = setUp(shellResult(JSON.stringify({error: {code, message: 'x'}})))
      expect((await expectedFailure(client.call('status', {}))).code).to.equal('platform_failed')
    }
  })

  it('takes a crash for a bug, with what the agent wrote on standard error', async () => {
    const {client} = setUp(shellResult('', 1, 'Traceback: oops'))
    const error = await rejection(client.call('status', {})) as Error
    expect(isRunctlError(error)).to.equal(false)
    expect(error.message).to.equal("the agent on mem-1 ended 'status' with exit status 1\nTraceback: oops")
  })

  it('takes half an answer for a bug, and says how long it was', async () => {
    const {client} = setUp(shellResult('{"runs": ['))
    const error = await rejection(client.call('status', {})) as Error
    expect(isRunctlError(error)).to.equal(false)
    expect(error.message).to.equal("the agent's answer of 10 characters is not JSON")
  })

  it('names what an instance without python3, or with an old one, lacks', async () => {
    for (const answers of [[shellResult('', 127)], [NONE, shellResult('', EXIT_OLD_PYTHON)]]) {
      const error = await expectedFailure(setUp(...answers).client.call('status', {}))
      expect(error.code).to.equal('platform_failed')
      expect(error.message).to.equal('instance mem-1 has no python3 of version 3.8 or newer, which runctl needs there')
    }
  })

  it('hands on what the shell rejects with', async () => {
    const {client, shell} = setUp()
    const silent = new RunctlError('unreachable', 'no answer')
    shell.answer = () => Promise.reject(silent)
    expect(await rejection(client.call('status', {}))).to.equal(silent)
  })

  it('tells the limits of its shell', () => {
    const {client, shell} = setUp()
    shell.maxWaitMs = 1500
    expect(client).to.include({maxInputBytes: shell.maxInputBytes, maxOutputBytes: shell.maxOutputBytes, maxWaitSeconds: 1.5})
  })
})
