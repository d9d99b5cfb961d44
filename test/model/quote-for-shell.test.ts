import {spawnSync} from 'node:child_process'
import {expect} from 'chai'
import fc from 'fast-check'

import {pathForShell, quoteForShell} from '../../src/model/quote-for-shell.js'

describe('quoteForShell', () => {
  it('makes one word that a shell gives back exactly, whatever it holds', () => {
    // Many words in one shell: a process for each would take longer than all else here.
    fc.assert(fc.property(fc.array(fc.string({unit: 'binary'}), {minLength: 1, maxLength: 40}), texts => {
      // Half of a surrogate pair is no character and has no bytes to pass on.
      const words = texts.map(text => Buffer.from(text.replaceAll('\0', '')).toString())
      const script = words.map(word => `printf '%s\\0' ${quoteForShell(word)}`).join('\n')
      const {status, stdout} = spawnSync('sh', ['-c', script])
      expect(status).to.equal(0)
      expect(stdout.toString('utf8').split('\0').slice(0, -1)).to.deep.equal(words)
    }), {numRuns: 60})
  })

  it('is not fooled by quotes, substitutions, options and line feeds', () => {
    for (const text of ["'", "''", "a'b'c", '$(id)', '`id`', '\\', "\\'", '-n', '', '\n', '$HOME', '!!', '*', "';id;'"]) {
      expect(spawnSync('sh', ['-c', `printf %s ${quoteForShell(text)}`]).stdout.toString()).to.equal(text)
    }
  })

  it('refuses a NUL, which no command can be given', () => {
    expect(() => quoteForShell('a\0b')).to.throw(RangeError)
  })
})

describe('pathForShell', () => {
  it('leaves a plain path as it is, and makes any other one word that is no flag', () => {
    expect(pathForShell('training/train_1.py')).to.equal('training/train_1.py')
    for (const path of ['a b.py', 'a;touch x $(y).py', "it's.py", '~/x.py', '--wait', 'a\nb', '']) {
      const {status, stdout} = spawnSync('sh', ['-c', `printf %s ${pathForShell(path)}`])
      expect([status, stdout.toString()]).to.deep.equal([0, path.startsWith('-') ? `./${path}` : path])
    }
  })
})
