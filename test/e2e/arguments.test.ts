import {chmod, readdir, readFile, writeFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {TrainJson} from '../../src/cli/verbs/train.js'
import {PLATFORM, Bench, type ErrorDocument} from './support/bench.js'
import {commandsAmong, pasted} from './support/pasted-command.js'

/** Writes down what it got, as bytes: neither Python's nor our idea of characters is between. */
const SHOWS = `import json, os, sys
seen = {"argv": [os.fsencode(word).hex() for word in sys.argv[1:]], "env": {key: os.fsencode(value).hex() for key, value in os.environ.items()}}
with open(os.path.join(os.environ["RUNCTL_OUTPUT_DIR"], "seen.json"), "w") as file:
    json.dump(seen, file)
`
const HOSTILE = [
  '$(touch pwned)', '`touch pwned`', '; touch pwned;', '| touch pwned', '&& touch pwned', '\n touch pwned\n', "' ; touch pwned '", '" ; touch pwned "',
  '$' + '{IFS}touch$IFS' + 'pwned', '$((1+1))', '%s%n', '\\', '\\n', '*', '?', '[a-z]*', '{a,b}', '~', '~root', '#no comment', '!!', '<in', '>pwned', '$HOME', '=', '==',
]

const text = (hex: string | undefined): string => Buffer.from(hex ?? '', 'hex').toString('utf8')

describe('what a user types', () => {
  let bench: Bench
  let id: string

  before(async () => {
    bench = await Bench.create({'shows.py': SHOWS})
    id = await bench.instance()
  })
  after(() => bench.destroy())
  afterEach(async () => {
    const names = await readdir(bench.root, {recursive: true})
    expect(names.filter(name => path.basename(name).includes('pwned') && !path.basename(name).includes('touch'))).to.deep.equal([])
  })

  async function seen(argv: readonly string[], project = 'project'): Promise<{argv: readonly string[]; env: Readonly<Record<string, string>>}> {
    await bench.ok([PLATFORM, 'train', id, ...argv.slice(0, 1), '--wait', '--project-name', project, ...argv.slice(1)])
    const {argv: words, env} = JSON.parse(await bench.readHome(id, 'projects', project, 'outputs', 'seen.json')) as {argv: string[]; env: Record<string, string>}
    return {argv: words.map(text), env}
  }

  it('arrives after -- exactly: quotes, substitutions, newlines, globs, flags of our own, and one word of 100 kB', async () => {
    const words = [
      ...HOSTILE, 'two words', ' leading', 'trailing ', '\t', '', '', "it's", '"', "''", 'é', '日本語', '🙂👩‍👩‍👧', 'e\u0301', '\u202e', '\u001B[31m', '\r', 'a\nb\n', '-', '-x', '--',
      '--json', '--help', '-h', '--output', 'json', '--output=text', '--wait', '--version', '--env-file', 'absent.env', '--no-sync-code', 'x', 'x', 'x', '-n', '0',
      'x'.repeat(100_000), `${'é'.repeat(1000)}$(touch pwned)`,
    ]
    expect((await seen(['shows.py', '--', ...words])).argv).to.deep.equal(words)
    expect((await seen(['shows.py', '--'])).argv).to.deep.equal([])
    expect((await seen(['shows.py', '--', '--'])).argv).to.deep.equal(['--'])
  })

  it('arrives through the workflow, and in what run show says of it', async () => {
    const words = ['--json', '', '$(touch pwned)', '--epochs', '3', '--', '-']
    const outcome = await bench.json<{run: {run_id: string; args: readonly string[]}}>(['workflow', 'run', id, 'shows.py', '--', ...words])
    expect(outcome.run.args).to.deep.equal(words)
    expect((await bench.json<{args: readonly string[]}>(['run', 'show', outcome.run.run_id])).args).to.deep.equal(words)
    const shown = await bench.ok(['run', 'show', outcome.run.run_id])
    expect(shown.stdout).to.contain('shows.py')
  })

  it('is text or JSON by what stands before -- alone', async () => {
    const {stdout} = await bench.ok([PLATFORM, 'train', id, 'shows.py', '--wait', '--', '--json'])
    expect(() => JSON.parse(stdout)).to.throw()
    const {code, stdout: document} = await bench.run([PLATFORM, 'train', id, 'absent.py', '--output=json', '--', '--output', 'text'])
    expect(code).to.equal(3)
    expect((JSON.parse(document) as ErrorDocument).error.code).to.equal('not_found')
  })

  it('runs a script whose name is shell syntax, from a folder with blanks, .py, .sh or executable', async () => {
    for (const [name, content] of [
      ['dir with $(touch pwned) blanks/a;touch pwned $(x).py', SHOWS],
      ["it's `touch pwned`.py", SHOWS],
      ['-starts with a dash.py', SHOWS],
    ] as const) {
      await bench.write(name, content)
      expect((await seen([`./${name}`, '--', 'one two'], 'names')).argv, name).to.deep.equal(['one two'])
    }
    await bench.write('b;touch pwned $(x).sh', 'printf "%s|" "$@" > outputs/words\n')
    await bench.ok([PLATFORM, 'train', id, 'b;touch pwned $(x).sh', '--wait', '--project-name', 'names', '--', 'a b', '$(touch pwned)'])
    expect(await bench.readHome(id, 'projects', 'names', 'outputs', 'words')).to.equal('a b|$(touch pwned)|')
    await bench.write('c;touch pwned $(x)', '#!/bin/sh\nprintf "%s:" "$@" > outputs/words\n')
    await chmod(path.join(bench.project, 'c;touch pwned $(x)'), 0o755)
    await bench.ok([PLATFORM, 'train', id, 'c;touch pwned $(x)', '--wait', '--project-name', 'names', '--', 'a b'])
    expect(await bench.readHome(id, 'projects', 'names', 'outputs', 'words')).to.equal('a b:')
  })

  it('offers commands that can be pasted whatever the script is called', async () => {
    const name = 'a;touch pwned $(x).py'
    await bench.write(name, 'import os, json, sys\nopen(os.path.join(os.environ["RUNCTL_CHECKPOINT_DIR"], "c_1.json"), "w").write("{}")\nsys.exit(int(sys.argv[1]))\n')
    const {error} = await bench.jsonError([PLATFORM, 'train', id, name, '--wait', '--project-name', 'paste', '--', '1'])
    const resume = commandsAmong(error.next).find(line => line.includes('--resume'))
    expect(await pasted(resume ?? '')).to.deep.equal([PLATFORM, 'train', id, name, '--resume', 'latest'])
    const {next} = await bench.json<{next: readonly string[]}>(['workflow', 'run', id, name, '--project-name', 'paste', '--', '0'])
    for (const line of next) await pasted(line)
  })

  it('reaches the environment exactly by --env and --env-file, which wins being --env', async () => {
    const env = Object.fromEntries(HOSTILE.map((value, at) => [`HOSTILE_${at}`, value]))
    const flags = Object.entries({...env, EMPTY: '', EQUALS: 'a=b=c', WINS: 'flag', EMOJI: '🙂 é'}).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    const file = path.join(bench.root, 'some $(touch pwned) file.env')
    await writeFile(file, `# comment\nexport QUOTED='$(touch pwned) "x"'\nDOUBLE="a\\nb \\$HOME"\nBARE=\`touch pwned\` $(touch pwned)\nWINS=file\n`)
    const got = (await seen(['shows.py', ...flags, '--env-file', file])).env
    for (const [name, value] of Object.entries(env)) expect(text(got[name]), name).to.equal(value)
    expect([text(got['EMPTY']), text(got['EQUALS']), text(got['WINS']), text(got['EMOJI'])]).to.deep.equal(['', 'a=b=c', 'flag', '🙂 é'])
    expect([text(got['QUOTED']), text(got['DOUBLE']), text(got['BARE'])]).to.deep.equal(['$(touch pwned) "x"', 'a\nb $HOME', '`touch pwned` $(touch pwned)'])
  })

  it('does not take the file of --env-file for settings of its own', async () => {
    const elsewhere = path.join(bench.root, 'elsewhere')
    await bench.write('own.env', `RUNCTL_OUTPUT_FORMAT=nonsense\nNODE_OPTIONS=--no-such-option\nRUNCTL_CACHE_DIR=${elsewhere}\n`)
    const {env} = await seen(['shows.py', '--env-file', 'own.env'])
    expect(text(env['NODE_OPTIONS'])).to.equal('--no-such-option')
    expect(await readdir(bench.root)).to.not.include('elsewhere')
  })

  it('is a name and nothing else in --name, --checkpoint-dir, --checkpoint-pattern, --data, --python and --resume', async () => {
    const evil = `x'; touch pwned; $(touch pwned) \`touch pwned\` "`
    await bench.write(`data ${evil}/one.csv`, '1\n')
    const argv = [PLATFORM, 'train', id, 'shows.py', '--wait', '--project-name', 'evil', '--name', evil, '--checkpoint-dir', evil, '--checkpoint-pattern', evil]
    const {run} = await bench.json<TrainJson>([...argv, '--data', `./data ${evil}`])
    expect([run.name, path.basename(run.checkpoint_dir)]).to.deep.equal([evil, evil])
    expect((await bench.jsonError([...argv, '--python', evil])).error.code).to.equal('not_found')
    expect((await bench.jsonError([...argv, '--resume', evil])).error.code).to.be.oneOf(['not_found', 'verification_failed'])
    const created = await bench.json<{instance: {id: string; name: string}}>([PLATFORM, 'create', '--name', evil])
    expect(created.instance.name).to.equal(evil)
    for (const shown of [await bench.ok(['resources', 'list']), await bench.ok([PLATFORM, 'status', id]), await bench.ok(['run', 'show', run.run_id])]) expect(shown.stdout).to.contain(id.slice(0, 6))
  })

  it('is refused as an instance id, run id or project name (2 or 3)', async () => {
    const evil = ['$(touch pwned)', "'; touch pwned; '", '../../etc', 'local 0', 'local-00000000\n', '\u001B[2J', '']
    const commands = (word: string): readonly (readonly string[])[] => [
      [PLATFORM, 'status', word], [PLATFORM, 'train', word, 'shows.py'], [PLATFORM, 'stop', word, '--force'], ['run', 'show', word], ['workflow', 'run', word, 'shows.py'],
      [PLATFORM, 'train', id, 'shows.py', '--project-name', word],
    ]
    await Promise.all(evil.map(async (word, at) => {
      for (const argv of [commands(word)[at % 5]!, commands(word)[5]!]) {
        const {error} = await bench.jsonError(argv)
        expect(error.exit_code, JSON.stringify([argv, error.message])).to.be.oneOf([2, 3])
      }
    }))
    const {stderr} = await bench.run([PLATFORM, 'status', '\u001B[2Jx'])
    expect(stderr).to.not.contain('\u001B')
  })

  it('is one command with its words after -- of exec, and a shell script only before it', async () => {
    const words = ['printf', '%s|', '$(touch pwned)', '*', '', 'a b', '--json']
    expect((await bench.ok([PLATFORM, 'exec', id, '--', ...words])).stdout).to.equal('$(touch pwned)|*||a b|--json|\n')
    expect((await bench.ok([PLATFORM, 'exec', id, 'echo $((1 + 1))'])).stdout).to.equal('2\n')
    expect((await readFile(path.join(bench.project, 'shows.py'), 'utf8'))).to.equal(SHOWS)
  })
})
