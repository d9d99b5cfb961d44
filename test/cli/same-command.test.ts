import {expect} from 'chai'

import {sameCommand} from '../../src/cli/same-command.js'

describe('the same command, but for a change', () => {
  const argv = ['i-1', './a b.py', '--no-sync-code', '--include-pattern', '*.bin', '--include-pattern=x y', '--env', 'TOKEN=secret', '--env=K=v', '--name', '']

  it('is what was typed, quoted for a shell, without the values of --env', () => {
    expect(sameCommand('runctl aws train', argv, ['--env', 'A=1', "it's"], {})).to.equal(
      String.raw`runctl aws train i-1 './a b.py' --no-sync-code --include-pattern '*.bin' '--include-pattern=x y' --env TOKEN=… --env=K=… --name '' -- --env A=1 'it'\''s'`)
  })

  it('loses a flag with its value, in both ways of writing it, and gains words before --', () => {
    const without = [{flag: 'include-pattern', takesValue: true}, {flag: 'no-sync-code', takesValue: false}]
    expect(sameCommand('runctl aws train', argv, ['x'], {without, plus: ['--wait']})).to.equal("runctl aws train i-1 './a b.py' --env TOKEN=… --env=K=… --name '' --wait -- x")
    expect(sameCommand('runctl aws train', ['i-1'], [], {})).to.equal('runctl aws train i-1')
  })
})
