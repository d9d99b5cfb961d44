import {spawn, spawnSync} from 'node:child_process'
import {appendFile, mkdir, symlink, writeFile} from 'node:fs/promises'
import path from 'node:path'

import type {KnownValues} from '../../../src/model/known-values.js'
import {collect, type Bench} from '../support/bench.js'
import {REPOSITORY} from '../support/repository.js'

export type ShellName = 'bash' | 'fish' | 'zsh'

export interface Typed {
  /** What stands on the command line. */
  readonly line: string
  readonly screen: string
}

/** Ctrl-T writes the line to $DUMP, at once whole. */
const RC: Readonly<Record<ShellName, string>> = {
  bash: `bind 'set bell-style none'\n_dump() { printf '%s' "$READLINE_LINE" >"$DUMP.new" && mv "$DUMP.new" "$DUMP"; }\nbind -x '"\\C-t": _dump'\nPS1='> '\nPROMPT_COMMAND='touch "$READY"'\n`,
  zsh: `_dump() { print -rn -- "$BUFFER" >"$DUMP.new" && mv "$DUMP.new" "$DUMP" }\nzle -N _dump\nbindkey -e\nbindkey '^T' _dump\nunsetopt BEEP\nPS1='> '\nprecmd() { touch "$READY" }\n`,
  fish: `set fish_greeting\nfunction _dump\n  printf '%s' (commandline) >"$DUMP.new"; and mv "$DUMP.new" "$DUMP"\nend\nbind \\ct _dump\nfunction fish_prompt\n  touch "$READY"\n  echo -n '> '\nend\n`,
}

/** A person at a terminal of this shell, who has set completion up with `runctl autocomplete`. */
export class RealShell {
  private constructor(
    private readonly bench: Bench,
    private readonly shell: ShellName,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static isThere(shell: ShellName): boolean {
    return ['python3', shell].every(program => spawnSync(program, ['--version']).status === 0)
  }

  static async setUp(bench: Bench, shell: ShellName): Promise<RealShell> {
    const home = path.join(bench.root, 'home')
    const bin = path.join(home, 'bin')
    await mkdir(bin, {recursive: true})
    await symlink(path.join(REPOSITORY, 'bin', 'run.js'), path.join(bin, 'runctl'))
    const config = path.join(home, '.config')
    const env = {
      ...bench.env, HOME: home, PATH: `${bin}:${process.env['PATH'] ?? ''}`, TERM: 'xterm', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', XDG_CONFIG_HOME: config, HISTFILE: '',
      DUMP: path.join(bench.root, 'dump'), READY: path.join(bench.root, 'ready'),
    }
    await bench.ok(['autocomplete', shell, '--install'], {env})
    const rc = {bash: path.join(home, '.bashrc'), zsh: path.join(home, '.zshrc'), fish: path.join(config, 'fish', 'config.fish')}[shell]
    await mkdir(path.dirname(rc), {recursive: true})
    await appendFile(rc, RC[shell])
    return new RealShell(bench, shell, env)
  }

  /** Each on an empty line; with `see`, until that is on the screen. */
  async type(steps: readonly (string | {readonly keys: string; readonly see: string})[]): Promise<readonly Typed[]> {
    const argv = {bash: ['bash', '-i'], zsh: ['zsh', '-i'], fish: ['fish', '-i']}[this.shell]
    const keys = steps.map(step => (typeof step === 'string' ? {keys: step, see: ''} : step))
    const task = {argv, env: this.env, cwd: this.bench.project, ready: this.env['READY'], dump: this.env['DUMP'], keys, timeout_s: 100}
    const child = spawn('python3', [path.join(REPOSITORY, 'test/e2e/completion/type-keys.py')], {stdio: ['pipe', 'pipe', 'pipe']})
    child.stdin.end(JSON.stringify(task))
    const {code, stderr, stdout} = await collect(child, 110_000)
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as readonly Typed[]
  }

  /** The words that the shell makes of a line when it runs it, without running its command. */
  wordsOf(line: string): readonly string[] {
    const {stdout} = spawnSync(this.shell, ['-c', line.replace(/^runctl /, "printf '%s\\n' ")], {cwd: this.bench.project, env: this.env, encoding: 'utf8'})
    return stdout.trimEnd().split('\n')
  }
}

/** What a completion may offer, as if it had just been refreshed. */
export async function know(bench: Bench, platform: string, values: Partial<KnownValues>): Promise<void> {
  const folder = path.join(bench.root, 'cache', 'completion')
  const later = new Date(Date.now() + 1_800_000).toISOString()
  const nothing = {version: 1, platform, refreshAfter: later, suggestAfter: later, instances: [], runs: [], checkpoints: [], suggestions: {}}
  await mkdir(folder, {recursive: true})
  await writeFile(path.join(folder, `${platform}.json`), JSON.stringify({...nothing, ...values}))
}
