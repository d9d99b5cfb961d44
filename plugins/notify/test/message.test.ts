import {Ajv} from 'ajv'
import {expect} from 'chai'
import {readFileSync} from 'node:fs'
import path from 'node:path'

import {makeDocument, testDocument, type Told} from '../src/document.js'
import {slackMessage} from '../src/message-body.js'
import {CHECKPOINT, INSTANCE, runStatus} from './samples.js'

const AT = new Date('2026-11-23T12:45:00Z')
const DOCS = path.join(import.meta.dirname, '../../../docs/notify.md')
const schema = JSON.parse(/```json\n(\{\n {2}"\$schema"[\s\S]*?)```/.exec(readFileSync(DOCS, 'utf8'))?.[1] ?? 'null') as object
const isValid = new Ajv({strict: false, allErrors: true}).compile(schema)

const common = {platform: 'local', instance: INSTANCE} as const
const TOLD: readonly Told[] = [
  {...common, event: 'posttrain', run: runStatus()},
  {...common, event: 'posttrain', run: runStatus({reason: 'failed', exit_code: null, signal: 'SIGKILL', last_checkpoint: null})},
  {...common, event: 'interrupted', run: runStatus({reason: 'interrupted', exit_code: null})},
  {...common, event: 'limit-reached', run: null, limit: {kind: 'budget', detail: '8 h of 8 h'}},
  {...common, event: 'checkpoint-saved', runId: 'r-1', checkpoint: CHECKPOINT},
  {...common, event: 'poststop', saved: {ok: true, why: null, reports: [], only_here: []}},
  {...common, event: 'postterminate', saved: null},
]

describe('a message of runctl-plugin-notify', () => {
  for (const told of TOLD) {
    it(`at ${told.event} is what the schema of docs/notify.md says`, () => {
      isValid(JSON.parse(JSON.stringify(makeDocument(told, 'id-1', AT))))
      expect(isValid.errors).to.equal(null)
    })
  }

  it('of a test is too; one of another version or with more in it is not', () => {
    const sent = testDocument('id-1', AT)
    expect(isValid(sent)).to.equal(true)
    expect(isValid({...sent, version: 2})).to.equal(false)
    expect(isValid({...sent, more: 1})).to.equal(false)
  })

  it('says in a line what happened', () => {
    const texts = TOLD.map(told => makeDocument(told, 'id-1', AT).text)
    expect(texts).to.deep.equal([
      'train.py (r-1) on gpu-box (local-0a1b2c3d) has completed; last checkpoint checkpoints/epoch_3.json',
      'train.py (r-1) on gpu-box (local-0a1b2c3d) has failed by SIGKILL; no complete checkpoint',
      'train.py (r-1) on gpu-box (local-0a1b2c3d) was interrupted: its machine went away; last checkpoint checkpoints/epoch_3.json',
      'gpu-box (local-0a1b2c3d) reached its budget limit and saves and stops itself: 8 h of 8 h; no complete checkpoint',
      'run (r-1) on gpu-box (local-0a1b2c3d) saved checkpoints/epoch_3.json',
      'gpu-box (local-0a1b2c3d) is stopped, all is saved',
      'gpu-box (local-0a1b2c3d) is terminated',
    ])
  })

  it('tells neither arguments nor tags nor log lines', () => {
    const text = JSON.stringify(makeDocument({...common, event: 'posttrain', run: runStatus({last_log_line: 'hf_secret'})}, 'id-1', AT))
    expect(text).to.not.contain('hf_secret').and.not.contain('nobody is told this')
  })

  it('cannot mention everybody, hide text or grow without end, whatever a run is called', () => {
    const run = runStatus({script: `<!channel> & \u001B[31m\u202Egnp.py\n${'x'.repeat(5000)}`, detail: '\uD800'})
    const document = makeDocument({...common, event: 'posttrain', run}, 'id-1', AT)
    const slack = JSON.stringify(slackMessage(document))
    expect(slack).to.contain('&lt;!channel&gt; &amp; ').and.not.match(/<|\\u001b|\\n\\n|\u202E/i)
    expect(slack.length).to.be.lessThan(4000)
    expect(document.run?.script).to.have.length(200)
  })
})
