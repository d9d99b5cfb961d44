import {expect} from 'chai'
import fc from 'fast-check'

import {isRunctlError} from '../../src/model/errors.js'
import {parseEnvFile} from '../../src/model/parse-env-file.js'

const parse = (text: string): Record<string, string> => parseEnvFile(text, 'job.env')

function failure(text: string): Error {
  try {
    parse(text)
  } catch (error) {
    if (isRunctlError(error)) return error
  }
  throw new Error('it was accepted')
}

describe('parseEnvFile', () => {
  it('reads names and values, with comments, blank lines, export and Windows line ends', () => {
    expect(parse('\uFEFF# all of it\r\n\r\nexport A=1\r\n  B = two words  \r\nC=\r\n')).to.deep.equal({A: '1', B: 'two words', C: ''})
  })

  it('takes a comment after a value, and a # inside one as part of it', () => {
    expect(parse('A=1 # one\nB=#fff\nC=a#b\nD= # nothing\nE="x # y" # z\nF=\'#\'')).to.deep.equal({A: '1', B: '#fff', C: 'a#b', D: '', E: 'x # y', F: '#'})
  })

  it('takes single quotes literally and escapes in double ones', () => {
    expect(parse(String.raw`A='$HOME\n'` + '\n' + String.raw`B="line\nnext \"q\" \\ \$HOME"`)).to.deep.equal({A: String.raw`$HOME\n`, B: 'line\nnext "q" \\ $HOME'})
  })

  it('expands nothing', () => {
    expect(parse('A=$HOME/$(id)`id`')).to.deep.equal({A: '$HOME/$(id)`id`'})
  })

  it('lets the last of two lines count', () => {
    expect(parse('A=1\nA=2')).to.deep.equal({A: '2'})
  })

  it('names file and line of what it cannot read, and never the content: it may be a secret', () => {
    for (const line of ['s3cret', '1X=s3cret', 'A="s3cret', "A='s3cret", "A='s3'cret", 'A="s3" s3cret', 'A B=s3cret', '=s3cret']) {
      const error = failure(`OK=1\n${line}\n`)
      expect(error.message).to.equal('job.env:2: expected NAME=VALUE')
      expect(`${error.stack}`).not.to.include('s3cret')
    }
  })

  it('never shows what stands in the file, whatever it is', () => {
    fc.assert(fc.property(fc.string({minLength: 12, maxLength: 40, unit: 'grapheme-ascii'}), secret => {
      try {
        parse(`TOKEN=fine\n${secret}`)
      } catch (error) {
        expect((error as Error).message).not.to.include(secret)
      }
    }))
  })
})
