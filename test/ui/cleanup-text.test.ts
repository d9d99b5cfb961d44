import {expect} from 'chai'

import {renderCleanup} from '../../src/ui/cleanup-text.js'
import {COLOR, HOSTILE, RAW_CONTROL, resource, TABLE, TEXT} from './samples.js'

const STOPPED = resource({id: 'i-0stopped', state: 'stopped', stopped_at: '2026-11-11T09:00:00Z'})
const UNUSED = resource({id: 'i-0unused', run: null, launched_at: '2026-11-23T14:45:00Z'})

describe('renderCleanup', () => {
  it('says what costs money for nothing, the longest first, with the command that ends it', () => {
    expect(renderCleanup([UNUSED, resource(), STOPPED], TABLE).split('\n')).to.deep.equal([
      'What could be cleaned up:',
      '  i-0stopped: stopped for 12d, its disk is paid for: runctl aws terminate i-0stopped',
      '  i-0unused: running for 5h 30m, nothing was trained on it: runctl aws stop i-0unused',
      'With what each would save: runctl resources insights; as a plan: runctl resources cleanup',
    ])
    expect(renderCleanup([UNUSED], COLOR)).to.contain('\x1b[1mWhat could be cleaned up:\x1b[22m\n')
  })

  const nothing = {
    'runs, and was trained on': resource(),
    'was stopped this week': resource({state: 'stopped', stopped_at: '2026-11-17T09:00:00Z'}),
    'was stopped nobody knows when': resource({state: 'stopped'}),
    'was started two hours ago': resource({run: null, launched_at: '2026-11-23T18:15:00Z'}),
    'is just starting, or ending': resource({state: 'shutting-down', run: null, stopped_at: '2026-01-01T00:00:00Z', launched_at: '2026-01-01T00:00:00Z'}),
    'costs nothing': resource({...STOPPED, cost_per_hour: 0}),
    'runctl did not make': resource({...STOPPED, made_by_runctl: false}),
  }
  for (const [what, row] of Object.entries(nothing)) it(`says nothing of what ${what}`, () => expect(renderCleanup([row], TABLE)).to.equal(''))

  it('counts where the price is not known, names ten and the number of the others, and is nothing for programs', () => {
    const many = Array.from({length: 12}, (_, at) => ({...STOPPED, id: `i-${at}`, cost_per_hour: null}))
    expect(renderCleanup(many, TABLE).split('\n')).to.have.length(13).and.to.include('  and 2 more')
    expect(renderCleanup(many, TEXT)).to.equal('')
  })

  it('lets no id become code or reach the terminal raw', () => {
    const text = renderCleanup([{...STOPPED, id: `i-1; rm -rf ~ ${HOSTILE}`}], TABLE)
    expect(text.split('\n')).to.have.length(3)
    expect(text.replaceAll('\n', '')).not.to.match(RAW_CONTROL)
    expect(text).to.match(/runctl aws terminate '[^']+'$/m)
  })
})
