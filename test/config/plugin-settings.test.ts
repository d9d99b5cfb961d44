import {readFileSync} from 'node:fs'
import {expect} from 'chai'

import {describeConfiguration, getSetting} from '../../src/config/describe-configuration.js'
import {loadConfiguration, readConfiguration} from '../../src/config/load-configuration.js'
import {platformSettings, pluginSettings} from '../../src/config/platform-settings.js'
import {setConfigValue} from '../../src/config/set-value.js'
import {validateConfiguration} from '../../src/config/validate-configuration.js'
import type {DeclaredSetting} from '../../src/model/plugin-block.js'
import {failureOf, problemsOf, ProjectFolder} from './project-folder.js'

const setting = (type: DeclaredSetting['type']): DeclaredSetting => ({type, description: 'For the test.'})
const pluginSettingsOfTest = {
  'gpu-shed': {hosts: setting('list'), wait: setting('duration'), port: setting('integer'), share: setting('number'), strict: setting('boolean'), wake: setting('map'), api_token: setting('string')},
  notify: {url: setting('string')},
}

describe('settings of plugins', () => {
  let folder: ProjectFolder
  beforeEach(() => (folder = new ProjectFolder()))
  afterEach(() => folder.remove())
  const input = () => ({...folder.input, pluginSettings: pluginSettingsOfTest})
  const write = (text: string): void => folder.write(folder.projectFile, text)

  it('are read from files and variables, by the types that are declared, and only what is set', async () => {
    write('[gpu-shed]\nhosts = ["a", "b"]\nwait = "2m"\nport = -5\n[gpu-shed.wake]\n"me@gpu-1.example.com" = "wakeonlan"\n"*" = "true"\n')
    folder.env = {RUNCTL_GPU_SHED_HOSTS: 'x, y', RUNCTL_GPU_SHED_STRICT: 'no', RUNCTL_GPU_SHED_SHARE: '0.5'}
    const configuration = await loadConfiguration(input())
    const expected = {hosts: ['x', 'y'], wait: 120_000, port: -5, share: 0.5, strict: false, wake: {'me@gpu-1.example.com': 'wakeonlan', '*': 'true'}}
    expect(platformSettings(configuration, 'gpu-shed')).to.deep.equal(expected)
    expect(pluginSettings(configuration)).to.deep.equal({'gpu-shed': expected, notify: {}})
    expect(configuration.origin('gpu-shed.hosts')).to.deep.include({source: 'environment', variable: 'RUNCTL_GPU_SHED_HOSTS'})
    expect(configuration.origin('gpu-shed.wait')).to.deep.include({source: 'project', line: 3})
    expect(configuration.get('stop.grace')).to.equal(120_000)
  })

  it('are checked, with the place and what was meant', async () => {
    write('[gpu-shed]\nhosst = []\nwait = 5\nport = 1.5\nhosts = "a"\n[gpu-shed.wake]\n"a b" = "x"\nok = 3\n[gpu-shet]\nx = 1\n')
    expect((await problemsOf(loadConfiguration(input()))).map(({line, message}) => `${line} ${message}`)).to.deep.equal([
      '2 unknown key gpu-shed.hosst; did you mean gpu-shed.hosts?',
      '3 gpu-shed.wait: expected a duration such as "120s" or "2h", found the integer 5',
      '4 gpu-shed.port: expected a whole number, found the float 1.5',
      '5 gpu-shed.hosts: expected a list of strings, none of them empty, found the string "a"',
      '7 gpu-shed.wake."a b": "a b" is not a name here: letters, digits, ".", "_", "@" and "-", or "*" alone',
      '8 gpu-shed.wake.ok: expected a string, found an integer',
      '9 unknown section gpu-shet; did you mean gpu-shed?',
    ])
    expect((await problemsOf(validateConfiguration({...input(), file: folder.projectFile}))).length).to.equal(7)
  })

  it('are a section that nobody knows where the plugin is missing, and that is said', async () => {
    write('[gpu-shed]\nhosts = []\n[stop]\ngrace = "1m"\n')
    const {configuration, problems} = await readConfiguration(folder.input)
    expect(problems.map(({message}) => message)).to.have.length(1)
    expect(problems[0]?.message).to.match(/^unknown section gpu-shed; known are project, .*; others are those of plugins, see `runctl plugins`$/)
    expect(configuration.get('stop.grace')).to.equal(60_000)
  })

  it('are set in place, shown with their origin, and hidden where their name is a secret\'s', async () => {
    write('# mine\n[notify]\nurl = "https://a.example"\n')
    const set = (key: string, value: string) => setConfigValue({...input(), key, value, target: 'project'})
    expect((await set('gpu-shed.wake.gpu-1.example.com', 'wake now')).key).to.equal('gpu-shed.wake.gpu-1.example.com')
    await set('gpu-shed.wait', '90s')
    expect((await set('gpu-shed.api_token', 's3cret')).value).to.equal('***')
    expect(readFileSync(folder.projectFile, 'utf8')).to.match(/^# mine\n\[notify\]\nurl = "https:\/\/a\.example"\n/)
    const configuration = await loadConfiguration(input())
    const shown = Object.fromEntries(describeConfiguration(configuration).settings.map(({key, origin, value}) => [key, `${String(value)} ${origin}`]))
    expect(shown).to.include({'gpu-shed.wake.gpu-1.example.com': 'wake now project', 'gpu-shed.wait': '90s project', 'gpu-shed.api_token': '*** project', 'gpu-shed.port': 'null default'})
    expect(getSetting(configuration, 'gpu-shed.api_token').value).to.equal('s3cret')
    expect((await failureOf(set('gpu-shed.prot', '1'))).message).to.include('did you mean gpu-shed.port?')
    expect((await failureOf(set('gpu-shed.wake.a b', '1'))).message).to.include('is not a name here')
  })
})
