import {expect} from 'chai'

import {readPluginBlock} from '../../../src/cli/plugins/read-block.js'

const problemsOf = (value: unknown): readonly string[] => {
  const reading = readPluginBlock(value)
  return 'problems' in reading ? reading.problems : []
}

describe('what a plugin declares in package.json', () => {
  it('is read as it is where it is right, with what is left out empty', () => {
    const block = {
      apiVersion: 1,
      platforms: {'my-shed': {description: 'Machines in the shed', createFlags: {shelf: {type: 'string', summary: 'Which shelf.', options: ['top', 'low'], multiple: true}, dry: {type: 'boolean', summary: 'Keep it dry.'}}}},
      settings: {'my-shed': {door_code: {type: 'integer', description: 'Of the door.', secret: true}, hosts: {type: 'list', description: 'Names.'}}},
    }
    expect(readPluginBlock(block)).to.deep.equal({block})
    expect(readPluginBlock({apiVersion: 1})).to.deep.equal({block: {apiVersion: 1, platforms: {}, settings: {}}})
    expect(readPluginBlock({apiVersion: 1, platforms: {a: {description: 'x'}}})).to.deep.equal({block: {apiVersion: 1, platforms: {a: {description: 'x', createFlags: {}}}, settings: {}}})
  })

  const flag = (over: object): unknown => ({apiVersion: 1, platforms: {a: {description: 'x', createFlags: {f: {type: 'string', summary: 's', ...over}}}}})
  const setting = (over: object): unknown => ({apiVersion: 1, settings: {a: {s: {type: 'string', description: 'd', ...over}}}})
  const WRONG: readonly (readonly [unknown, string])[] = [
    [setting({secret: 'yes'}), 'runctl.settings.a.s.secret: expected true or false, found "yes"'],
    [null, 'runctl: expected an object, found null'],
    [[], 'runctl: expected an object, found []'],
    [{}, 'runctl.apiVersion: expected a whole number, found nothing'],
    [{apiVersion: '1'}, 'runctl.apiVersion: expected a whole number, found "1"'],
    [{apiVersion: 1, setings: {}}, 'runctl: unknown key "setings"; did you mean settings?'],
    [{apiVersion: 1, platforms: ['a']}, 'runctl.platforms: expected an object, found ["a"]'],
    [{apiVersion: 1, platforms: {'A b': {description: 'x'}}}, "runctl.platforms: a name here is lower case letters, digits and '-', beginning with a letter, found \"A b\""],
    [{apiVersion: 1, platforms: {constructor: {description: 'x'}}}, "runctl.platforms: a name here is lower case letters, digits and '-', beginning with a letter, found \"constructor\""],
    [{apiVersion: 1, platforms: {a: {}}}, 'runctl.platforms.a.description: expected a line of text, found nothing'],
    [{apiVersion: 1, platforms: {a: {description: 'a\u001B[2Jb'}}}, String.raw`runctl.platforms.a.description: expected a line of text, found "a\u001b[2Jb"`],
    [flag({type: 'float'}), 'runctl.platforms.a.createFlags.f.type: expected one of boolean, integer, string, found "float"'],
    [flag({options: []}), 'runctl.platforms.a.createFlags.f.options: expected a list of strings that is not empty, found []'],
    [flag({type: 'integer', options: ['1']}), 'runctl.platforms.a.createFlags.f.options: only a flag of the type "string" has options, found ["1"]'],
    [flag({type: 'boolean', multiple: true}), 'runctl.platforms.a.createFlags.f.multiple: only a flag of the type "string" can be given several times, found true'],
    [flag({multiple: 'yes'}), 'runctl.platforms.a.createFlags.f.multiple: expected true or false, found "yes"'],
    [setting({type: 'url'}), 'runctl.settings.a.s.type: expected one of boolean, duration, integer, list, map, number, string, found "url"'],
    [setting({description: ' '}), 'runctl.settings.a.s.description: expected a line of text, found " "'],
    [{apiVersion: 1, settings: {a: {'no-dash': {type: 'string', description: 'd'}}}}, "runctl.settings.a: a name here is lower case letters, digits and '_', beginning with a letter, found \"no-dash\""],
  ]
  for (const [value, message] of WRONG) {
    it(`is refused: ${message}`, () => expect(problemsOf(value)[0]).to.equal(message))
  }

  it('is told all that is wrong at once', () => {
    expect(problemsOf({apiVersion: 1.5, platforms: {a: {}}, settings: 3})).to.have.length(3)
  })
})
