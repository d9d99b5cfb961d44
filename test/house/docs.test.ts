import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import {DETACHED_EXIT_CODE} from '../../src/cli/detached.js'
import {EVENT_RULES} from '../../src/hooks/events.js'
import {EXIT_CODES} from '../../src/model/errors.js'
import {userPolicy} from '../../src/providers/aws/setup/policies.js'

const ROOT = path.resolve(import.meta.dirname, '../..')

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

describe('docs/aws.md', () => {
  it('has the policy of a user as `aws setup --dry-run` prints it', async () => {
    const [, policy] = /^```json\n(\{\n {2}"Version"[^]*?)\n```$/m.exec(await readFile(path.join(ROOT, 'docs/aws.md'), 'utf8')) ?? []
    const printed = userPolicy({account: '123456789012', partition: 'aws', bucket: 'runctl-123456789012-us-east-1', roleName: 'runctl-instance'})
    expect(policy).to.equal(JSON.stringify(printed, null, 2))
  })
})

describe('commands in the documentation', () => {
  it('exist, with every flag that they are given', async () => {
    const {commands} = JSON.parse(await readFile(path.join(ROOT, 'oclif.manifest.json'), 'utf8')) as Manifest
    const pages = (await readdir(path.join(ROOT, 'docs'))).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)
    let seen = 0
    for (const page of ['README.md', ...pages]) {
      for (const line of commandLines(await readFile(path.join(ROOT, page), 'utf8'))) {
        const [ours = '', ...words] = line.replace(/ -- .*| \| .*/, '').split(/\s+/)
        const id = [3, 2, 1].map(count => words.slice(0, count).join(':')).find(name => name in commands)
        expect(ours === 'runctl' && id, `${page}: ${line}`).to.be.a('string')
        const flags = words.filter(word => /^--[a-z]/.test(word)).map(word => word.slice(2).replace(/[=,;:.)].*/, ''))
        expect(Object.keys(commands[id ?? '']?.flags ?? {}), `${page}: ${line}`).to.include.members(flags)
        seen++
      }
    }
    expect(seen).to.be.greaterThan(60)
  })
})

interface Manifest {
  readonly commands: Readonly<Record<string, {readonly flags?: Readonly<Record<string, unknown>>}>>
}

/** What is written as a command of runctl with its words: at the begin of a line of code, after a prompt, or alone between backticks. Not templates such as `runctl <platform>`. */
function commandLines(text: string): readonly string[] {
  const blocks = text.replaceAll(/\\\n\s*/g, '').matchAll(/^(?: {4}|\$ |Next: +)?(runctl [a-z][^\n#]*)/gm)
  const spans = text.matchAll(/`(runctl [a-z][^`]*)`/g)
  return [...blocks, ...spans].map(([, line = '']) => line.replaceAll(/\s+/g, ' ').trim()).filter(line => !/^runctl (shed|my-cloud|team|ssh|notify|and|is|works|cannot|does|plugins|autocomplete)\b|…,|, /.test(line))
}
