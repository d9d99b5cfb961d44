import {readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import {DETACHED_EXIT_CODE} from '../../src/cli/detached.js'
import {EVENT_RULES} from '../../src/hooks/events.js'
import {EXIT_CODES} from '../../src/model/errors.js'

/** The cells of each row of a document's tables whose first cell is `code`. */
async function rows(document: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(path.resolve(import.meta.dirname, '../../docs', document), 'utf8')
  return [...text.matchAll(/^\| (`[^`]+` \|.*) \|$/gm)].map(([, row = '']) => row.split(' | ').map(cell => cell.replace(/^`(.*)`$/, '$1')))
}

describe('docs/errors.md', () => {
  it('has every code with its exit status, in order, and no other', async () => {
    const told = (await rows('errors.md')).map(([code, status]) => [code, Number(status)])
    expect(told).to.deep.equal(Object.entries(EXIT_CODES))
  })

  it('says of every code what it means and what to do', async () => {
    for (const row of await rows('errors.md')) expect(row.filter(cell => cell.trim() !== ''), row[0]).to.have.length(4)
  })

  it('tells the exit status of a detach', async () => {
    expect(await readFile(path.resolve(import.meta.dirname, '../../docs/errors.md'), 'utf8')).to.include(`| ${DETACHED_EXIT_CODE} | Ctrl-C`)
  })
})

describe('docs/hooks.md', () => {
  it('has every event with what a failure does and its time limit, in order, and no other', async () => {
    const told = (await rows('hooks.md')).map(row => ({event: row[0], onFailure: row.at(-2), limit: row.at(-1)}))
    expect(told).to.deep.equal(Object.entries(EVENT_RULES).map(([event, {onFailure, timeoutMs}]) =>
      ({event, onFailure, limit: `${timeoutMs / 1000} s${event === 'prestop-checkpoint' ? ' and the grace' : ''}`})))
  })
})
