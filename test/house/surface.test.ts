import {execFile} from 'node:child_process'
import path from 'node:path'
import {promisify} from 'node:util'
import {expect} from 'chai'

import {differences, factsOf} from '../../scripts/surface-facts.mjs'

const ROOT = path.resolve(import.meta.dirname, '../..')
const command = (flags: object, args: object = {}): object => ({commands: {'local create': {args, flags}}})
const judged = (old: object, now: object): {readonly breaking: readonly string[]; readonly added: readonly string[]} => differences(factsOf(old), factsOf(now))

describe('the public surface', () => {
  it('is what docs/surface.json says', () => promisify(execFile)(process.execPath, ['scripts/surface.mjs', '--check'], {cwd: ROOT}))
  it('is what docs/commands says', () => promisify(execFile)(process.execPath, ['scripts/command-docs.mjs', '--check'], {cwd: ROOT}))

  it('is broken by what goes, and by what becomes another', () => {
    expect(judged(command({name: {type: 'option'}, wait: {type: 'boolean'}}), command({name: {type: 'option'}})).breaking).to.deep.equal(['- commands > local create > flags > wait > type: "boolean"'])
    expect(judged(command({name: {type: 'option'}}), command({name: {type: 'boolean'}})).breaking).to.have.length(1)
    expect(judged({exit_codes: {bad_input: 2}}, {exit_codes: {bad_input: 3}}).breaking).to.have.length(1)
    expect(judged({exports: {runctl: {A: 'value'}}}, {exports: {runctl: {A: 'type'}}}).breaking).to.have.length(1)
    expect(judged(command({kind: {options: ['a', 'b']}}), command({kind: {options: ['a']}})).breaking).to.have.length(1)
  })

  it('is not broken by what is new and need not be used', () => {
    const old = command({kind: {options: ['a']}})
    const now = judged(old, command({kind: {options: ['a', 'b']}, wait: {type: 'boolean'}}))
    expect(now.breaking).to.deep.equal([])
    expect(now.added).to.have.length(2)
    expect(judged({exports: {}}, {exports: {B: 'type'}}).breaking).to.deep.equal([])
    expect(judged(old, {commands: {...(old as {commands: object}).commands, 'local extra': {args: {id: {required: true}}, flags: {}}}}).breaking).to.deep.equal([])
  })

  it('is broken by what becomes refused', () => {
    const old = command({a: {type: 'boolean', exclusive: ['b']}, c: {type: 'option'}})
    expect(judged(old, command({a: {type: 'boolean', exclusive: ['b', 'c']}, c: {type: 'option'}})).breaking).to.have.length(1)
    expect(judged(old, command({a: {type: 'boolean', exclusive: ['b']}, c: {type: 'option', options: ['x']}})).breaking).to.have.length(1)
    expect(judged(old, command({a: {type: 'boolean', exclusive: ['b']}, c: {type: 'option', dependsOn: ['a']}})).breaking).to.have.length(1)
  })

  it('is broken by a member that every plugin must have, and not by one that it may have or is handed', () => {
    const declared = (provider: object, context: object = {}): object => ({declarations: {'providers/provider': {Provider: {'readonly name: string;': true, ...provider}, StepContext: {'readonly a: string;': true, ...context}}}})
    expect(judged(declared({}), declared({'mustHave(): void;': true})).breaking).to.have.length(1)
    expect(judged(declared({}), declared({'mayHave?(): void;': true, 'readonly may?: string;': true}, {'readonly handed: string;': true})).breaking).to.deep.equal([])
  })

  it('is broken by a new duty of a command that was there', () => {
    expect(judged(command({}), command({}, {id: {required: true}})).breaking).to.deep.equal(['+ commands > local create > args > id > required: true'])
  })
})
