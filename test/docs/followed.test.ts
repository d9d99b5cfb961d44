import {execFileSync, spawnSync} from 'node:child_process'
import {mkdir, mkdtemp, readFile, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {expect} from 'chai'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** A line that is typed, and what the page shows below it; empty: nothing is shown, whatever is printed. */
interface Typed {
  readonly line: string
  readonly shown: readonly string[]
}

function typedIn(page: string): readonly Typed[] {
  const blocks = [...page.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, block = '']) => block)
  return blocks.flatMap(block => block.split(/^\$ /m).slice(1)).map(part => {
    const [line = '', ...shown] = part.trimEnd().split('\n')
    return {line, shown}
  })
}

describe('docs/add-a-platform.md, followed line by line by somebody who has installed runctl', function () {
  this.timeout(180_000)
  let top: string
  let env: NodeJS.ProcessEnv
  let folder: string
  /** Ids that the page shows, and those that came in their place. */
  const ids = new Map<string, string>()

  before(async () => {
    top = await realpath(await mkdtemp(path.join(tmpdir(), 'runctl-docs-')))
    const config = (name: string): string => execFileSync('npm', ['config', 'get', name], {cwd: ROOT, encoding: 'utf8'}).trim()
    const kept = {npm_config_userconfig: config('userconfig'), npm_config_cache: config('cache'), npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false'}
    const home = path.join(top, 'home', 'eva')
    await mkdir(home, {recursive: true})
    const {LANG, PATH, TMPDIR} = process.env
    env = {...kept, HOME: home, LANG, PATH: `${path.join(top, 'prefix', 'bin')}:${PATH ?? ''}`, TMPDIR, npm_config_prefix: path.join(top, 'prefix'), NO_COLOR: '1'}
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', top], {cwd: ROOT, env, stdio: 'pipe'})
    const {version} = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {readonly version: string}
    execFileSync('npm', ['install', '--global', path.join(top, `runctl-${version}.tgz`)], {cwd: top, env, stdio: 'pipe'})
    folder = home
  })
  after(() => rm(top, {recursive: true, force: true}))

  it('does what it says, and prints what it shows', async () => {
    const typed = typedIn(await readFile(path.join(ROOT, 'docs/add-a-platform.md'), 'utf8'))
    expect(typed.length).to.be.greaterThan(12)
    for (const {line, shown} of typed) {
      const command = [...ids].reduce((text, [from, to]) => text.replaceAll(from, to), line)
      const {status, stderr, stdout} = spawnSync('bash', ['-c', `${command}\nstatus=$?; pwd >"${top}/cwd"; exit $status`], {cwd: folder, env, encoding: 'utf8'})
      expect(status, `${command}\n${stdout}${stderr}`).to.equal(0)
      folder = (await readFile(path.join(top, 'cwd'), 'utf8')).trim()
      const printed = stdout.trimEnd().split('\n')
      if (shown.length === 1 && /^[a-z-]+-[0-9a-f]{8}$/.test(shown[0] ?? '')) {
        expect(stdout, command).to.match(/^[a-z-]+-[0-9a-f]{8}\n$/)
        ids.set(shown[0] ?? '', stdout.trim())
      } else if (line === 'npm test') for (const one of shown) expect(printed, stdout).to.include(one)
      else if (shown.length > 0) expect(printed, command).to.deep.equal(shown.map(one => [...ids].reduce((text, [from, to]) => text.replaceAll(from, to), one).replaceAll('/home/eva', path.join(top, 'home', 'eva'))))
    }
  })
})
