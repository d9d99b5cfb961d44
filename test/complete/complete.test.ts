import {expect} from 'chai'

import type {CompletionIndex} from '../../src/complete/command-index.js'
import {complete, type Completion, type ValuesOf} from '../../src/complete/complete.js'

const INDEX: CompletionIndex = {
  flags: [{name: 'json', summary: 'As JSON.'}, {name: 'state', summary: '', takesValue: true, multiple: true, options: ['running', 'stopped']}, {name: 'lines', summary: '', char: 'n', takesValue: true}],
  commands: {
    local: {summary: 'One-shot.', args: [{kind: 'file'}], flags: [0]},
    'local start': {summary: 'Start it.', args: [{kind: 'instance:stopped', multiple: true}], flags: [0, 2]},
    'local train': {summary: 'Train.', args: [{kind: 'instance', multiple: true}, {kind: 'file'}], flags: [0]},
    'resources list': {summary: 'List.', args: [], flags: [0, 1, {name: 'platform', summary: '', takesValue: true, kind: 'platform'}]},
    'workflow run': {summary: '', args: [{kind: 'target'}, {kind: 'file'}], flags: [0]},
  },
  topics: {local: 'This machine', resources: 'What exists', workflow: 'Sessions'},
  platforms: ['local'],
  configKeys: {},
}

const values: ValuesOf = ({kind}) => ({
  instance: [{value: 'i-1'}, {value: 'i-2'}],
  'instance:stopped': [{value: 'i-1', isUnfit: true}, {value: 'i-2'}],
  platform: [{value: 'local'}],
  target: [{value: 'local'}],
} as Readonly<Record<string, ReturnType<ValuesOf>>>)[kind] ?? []

const at = (...words: readonly string[]): Completion => complete(INDEX, words.slice(0, -1), words.at(-1) ?? '', values)
const offered = (...words: readonly string[]): readonly string[] => at(...words).candidates.map(({value}) => value)

describe('a completion', () => {
  it('offers topics and commands with a line on each, and those below', () => {
    expect(at('').candidates).to.deep.include({value: 'resources', description: 'What exists'})
    expect(offered('lo')).to.deep.equal(['local'])
    expect(offered('local', 'st')).to.deep.equal(['start'])
    expect(offered('--v')).to.deep.equal(['--version'])
  })

  it('takes a platform alone for its one-shot form as well', () => {
    expect(at('local', '')).to.deep.include({paths: 'files'})
    expect(offered('local', '')).to.deep.equal(['start', 'train'])
    expect(offered('local', 'train.py', '--')).to.deep.equal(['--json', '--help'])
  })

  it('knows the id that oclif writes with a colon', () => expect(offered('local:start', '')).to.deep.equal(['i-2']))

  it('offers the flags of the command, each once but those that may be given several times', () => {
    expect(offered('resources', 'list', '--')).to.deep.equal(['--json', '--state', '--platform', '--help'])
    expect(offered('resources', 'list', '--json', '--state', 'running', '--platform', 'local', '--')).to.deep.equal(['--state', '--help'])
    expect(offered('resources', 'list', '--json=x', '--s')).to.deep.equal(['--state'])
  })

  it('offers the values of a flag, behind a blank and behind =', () => {
    expect(offered('resources', 'list', '--state', 's')).to.deep.equal(['stopped'])
    expect(offered('resources', 'list', '--state=s')).to.deep.equal(['--state=stopped'])
    expect(offered('resources', 'list', '--nonesuch=')).to.deep.equal([])
  })

  it('takes no value of a flag for an argument', () => {
    expect(offered('local', 'start', '-n', '')).to.deep.equal([])
    expect(offered('local', 'start', '-n', 'i-2', '')).to.deep.equal(['i-2'])
    expect(offered('local', 'start', '-ni-2', '')).to.deep.equal(['i-2'])
  })

  it('offers those in a fitting state, the others where only they are meant, and none twice', () => {
    expect(offered('local', 'start', '')).to.deep.equal(['i-2'])
    expect(offered('local', 'start', 'i-1')).to.deep.equal(['i-1'])
    expect(offered('local', 'start', 'i-2', '')).to.deep.equal(['i-1'])
  })

  it('goes on with further instances or with the script behind them', () => {
    expect(at('local', 'train', '')).to.deep.include({paths: null})
    expect(at('local', 'train', 'i-1', '')).to.deep.include({paths: 'files', candidates: [{value: 'i-2'}]})
  })

  it('leaves files to the shell, and offers nothing else behind --', () => {
    expect(at('local', 'train', 'i-1', 'x.py', '--', '--')).to.deep.include({paths: 'files', candidates: []})
    expect(at('workflow', 'run', 'local', '')).to.deep.include({paths: 'files', candidates: []})
  })

  it('says what was asked for, of which platform', () => {
    expect(at('local', 'train', '').asked).to.deep.equal([{kind: 'instance', platform: 'local'}])
    expect(at('resources', 'list', '--platform', '').asked).to.deep.equal([{kind: 'platform', platform: null}])
  })

  it('has nothing for what is no command', () => {
    expect(at('nonesuch', '')).to.deep.equal({candidates: [], paths: null, pathPrefix: '', asked: []})
    expect(offered('constructor', '')).to.deep.equal([])
  })
})
