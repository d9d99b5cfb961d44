import {expect} from 'chai'
import {execFileSync} from 'node:child_process'
import {chmod, mkdir, rm, symlink, truncate, writeFile} from 'node:fs/promises'
import path from 'node:path'

import {listProjectFiles, type ListOptions} from '../../../src/core/sync/list-project-files.js'
import {isRunctlError, type RunctlError} from '../../../src/model/errors.js'
import {makeTempFolder, writeTree} from './temp-folder.js'

describe('listProjectFiles', () => {
  let temp: Awaited<ReturnType<typeof makeTempFolder>>
  let root: string

  beforeEach(async () => {
    temp = await makeTempFolder()
    root = path.join(temp.path, 'proj')
    await mkdir(root)
  })
  afterEach(() => temp.remove())

  const git = (cwd: string, ...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'protocol.file.allow=always', ...args], {cwd, stdio: 'pipe'})
  }
  const names = async (options: ListOptions = {}, from = root): Promise<string[]> => (await listProjectFiles(from, options)).files.map(file => file.path)
  const failureOf = (options: ListOptions = {}, from = root): Promise<RunctlError> =>
    listProjectFiles(from, options).then(() => expect.fail('it should fail'), (error: unknown) => (isRunctlError(error) ? error : expect.fail(String(error))))

  for (const withGit of [true, false]) {
    describe(withGit ? 'in a git work tree' : 'without git', () => {
      beforeEach(() => {
        if (withGit) git(root, 'init', '-q')
      })

      it('lists what is not ignored, nested ignore files and negations included', async () => {
        await writeTree(root, {
          '.gitignore': '*.log\n/build/\ndata\n!keep.log\n#comment\n\\#odd\ntrailing \nfoo/**/bar\n', 'a.py': '', 'x.log': '', 'keep.log': '', 'build/out': '', 'sub/build/kept': '',
          'data/big': '', 'sub/data/x': '', 'sub/.gitignore': '!special.log\n*.tmp\n', 'sub/special.log': '', 'sub/y.log': '', 'sub/z.tmp': '', 'z.tmp': '', '#odd': '', trailing: '', 'foo/1/2/bar': '', 'foo/1/2/baz': '',
        })
        expect(await names()).to.deep.equal(['.gitignore', 'a.py', 'foo/1/2/baz', 'keep.log', 'sub/.gitignore', 'sub/build/kept', 'sub/special.log', 'z.tmp'])
      })

      it('keeps what is below an ignored folder ignored whatever a negation says', async () => {
        await writeTree(root, {'.gitignore': 'data/\n!data/keep.csv\n', 'data/.gitignore': '!*\n', 'data/keep.csv': ''})
        expect(await names()).to.deep.equal(['.gitignore'])
      })

      it('lets an inner ignore file take a folder back that an outer one ignores by name', async () => {
        await writeTree(root, {'.gitignore': 'build\n', 'a/.gitignore': '!build\n', 'a/build/x': '', 'b/build/x': '', 'a/build/build/y': ''})
        expect(await names()).to.deep.equal(['.gitignore', 'a/.gitignore', 'a/build/build/y', 'a/build/x'])
      })

      it('leaves out environments, caches and .git itself', async () => {
        await writeTree(root, {'a.py': '', '.venv/bin/python': '', 'venv/x': '', 'sub/node_modules/y': '', '__pycache__/a.pyc': '', '.DS_Store': '', '.ipynb_checkpoints/z': '', '.mypy_cache/m': '', '.pytest_cache/p': ''})
        expect(await names()).to.deep.equal(['a.py'])
      })

      it('takes away what .runctlignore names, in any folder, and never adds by it', async () => {
        await writeTree(root, {'.gitignore': '*.csv\n', '.runctlignore': 'docs/\n!x.csv\n.runctlignore\n', 'docs/a.md': '', 'docs/deep/b.md': '', 'x.csv': '', 'sub/.runctlignore': '*.bin', 'sub/w.bin': '', 'w.bin': ''})
        expect(await names()).to.deep.equal(['.gitignore', 'w.bin'])
      })

      it('adds ignored files that an include pattern names, and only those', async () => {
        await writeTree(root, {'.gitignore': 'data/\n*.cfg\n', 'data/small/a.csv': '', 'data/small/b.txt': '', 'data/big.csv': '', 'deep/x.cfg': '', 'configs/sub/y.cfg': '', '.venv/z.cfg': ''})
        expect(await names({include: ['data/small/*.csv', 'configs/**']})).to.deep.equal(['.gitignore', 'configs/sub/y.cfg', 'data/small/a.csv'])
        expect(await names({include: ['*.cfg']})).to.deep.equal(['.gitignore', 'configs/sub/y.cfg', 'deep/x.cfg'])
        expect(await names({include: ['data/small/', '!*.txt']})).to.deep.equal(['.gitignore', 'data/small/a.csv'])
        expect(await names({include: ['.venv/z.cfg']})).to.deep.equal(['.gitignore', '.venv/z.cfg'])
      })

      it('says when an include pattern matches nothing, and refuses one into .git or out of the project', async () => {
        await writeTree(root, {'a.py': ''})
        expect((await listProjectFiles(root, {include: ['nope/*.csv']})).warnings.join()).to.contain('"nope/*.csv" matches no file')
        for (const pattern of ['.git/config', '../x', 'a/../../x']) expect((await failureOf({include: [pattern]})).code).to.equal('bad_input')
      })

      it('leaves out what the caller excludes', async () => {
        await writeTree(root, {'a.py': '', 'checkpoints/e1.pt': '', 'outputs/m.json': '', 'x.tmp': '', 'checkpoints-2/a': ''})
        const {files, warnings} = await listProjectFiles(root, {alwaysExclude: ['checkpoints', './outputs/', '/abs', '../up'], exclude: ['*.tmp'], include: ['checkpoints/*.pt']})
        expect(files.map(file => file.path)).to.deep.equal(['a.py', 'checkpoints-2/a'])
        expect(warnings.join()).to.contain('never synced')
      })

      it('lists names with spaces, newlines, quotes and other alphabets', async () => {
        const odd = ['a b', ' lead', 'new\nline', 'q"\'`$(x)', 'tab\t', 'ünï/日本', '😀', '-rf', '*', '[x]', '\\', 'nfd-u\u0308']
        await writeTree(root, Object.fromEntries(odd.map(name => [name, ''])))
        expect(await names()).to.have.members(odd)
      })

      it('skips pipes and names that are not UTF-8, and says so', async () => {
        await writeTree(root, {'a.py': ''})
        execFileSync('mkfifo', [path.join(root, 'pipe')])
        await writeFile(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), '')
        const {files, warnings} = await listProjectFiles(root, {include: ['pipe']})
        expect(files.map(file => file.path)).to.deep.equal(['a.py'])
        expect(warnings.join()).to.contain('not UTF-8').and.to.contain('pipe')
      })

      it('keeps links that stay inside, makes absolute ones relative, and refuses those that leave', async () => {
        await writeTree(root, {'d/a.py': ''})
        await symlink('d', path.join(root, 'rel'))
        await symlink(path.join(root, 'd', 'a.py'), path.join(root, 'd', 'abs'))
        await symlink('nowhere', path.join(root, 'dangling'))
        const {files} = await listProjectFiles(root)
        expect(files.filter(file => file.kind === 'symlink').map(file => [file.path, file.target])).to.deep.equal([['d/abs', 'a.py'], ['dangling', 'nowhere'], ['rel', 'd']])
        for (const target of ['/etc/passwd', '../outside', '..', 'd/../../x', 'rel/../../proj2']) {
          await symlink(target, path.join(root, 'bad'))
          const error = await failureOf()
          expect(error.code, target).to.equal('bad_input')
          expect(error.message + error.next.join()).to.contain('bad').and.to.contain('.runctlignore')
          await rm(path.join(root, 'bad'))
        }
      })

      it('refuses a link that leaves only through another link', async () => {
        await writeTree(root, {'d1/d2/a.py': ''})
        await symlink('../..', path.join(root, 'd1/d2/top'))
        await symlink('d1/d2/top/../secret', path.join(root, 'chain'))
        await writeFile(path.join(temp.path, 'secret'), '')
        expect((await failureOf()).code).to.equal('bad_input')
      })

      it('ignores a link that leaves if it is ignored', async () => {
        await writeTree(root, {'.runctlignore': '/ds\n'})
        await symlink('/etc', path.join(root, 'ds'))
        expect(await names()).to.deep.equal(['.runctlignore'])
      })

      it('warns of what looks like secrets, but not of templates and public keys', async () => {
        await writeTree(root, {
          '.env': '', '.env.example': '', 'key.pem': '', 'id_rsa': '', 'id_ed25519.pub': '', 'credentials.json': '', 'credentials.py': '', '.netrc': '', '.npmrc': 'registry=x', 'sub/.npmrc': '//r/:_authToken=x', 'service-account-1.json': '',
        })
        const [warning] = (await listProjectFiles(root)).warnings
        expect(warning).to.match(/these files look like secrets.*: \.env, \.netrc, credentials\.json, id_rsa, key\.pem, service-account-1\.json, sub\/\.npmrc;.*\.runctlignore/)
      })

      it('names the ten largest when all is more than 200 MB', async () => {
        for (let i = 0; i < 12; i++) {
          await writeFile(path.join(root, `w${i}.bin`), '')
          await truncate(path.join(root, `w${i}.bin`), 20_000_000 + i * 1_000_000)
        }
        const [warning] = (await listProjectFiles(root)).warnings
        expect(warning).to.match(/306 MB in all; the largest: w11\.bin \(31 MB\)/).and.not.match(/w1\.bin/)
      })

      it('tells executables from other files', async () => {
        await writeTree(root, {'a.py': '', 'b.sh': ''})
        await chmod(path.join(root, 'a.py'), 0o600)
        expect((await listProjectFiles(root)).files.map(file => file.mode)).to.deep.equal([0o644, 0o755])
      })

      it('lists an empty folder as nothing', async () => {
        expect(await names()).to.deep.equal([])
      })
    })
  }

  describe('what only git knows', () => {
    beforeEach(() => git(root, 'init', '-q'))

    it('sends tracked files although they are ignored or built-in names, and leaves out deleted ones', async () => {
      await writeTree(root, {'.gitignore': '*.csv\n', 'gold.csv': '', 'venv/own.py': '', 'checkpoints/base.pt': '', 'gone.py': ''})
      git(root, 'add', '-f', '.')
      await rm(path.join(root, 'gone.py'))
      await writeTree(root, {'checkpoints/new.pt': ''})
      expect(await names({alwaysExclude: ['checkpoints']})).to.deep.equal(['.gitignore', 'checkpoints/base.pt', 'gold.csv', 'venv/own.py'])
    })

    it('works in a folder below the top, with the rules from above', async () => {
      await writeTree(root, {'.gitignore': '*.log\n', 'sub/a.py': '', 'sub/x.log': '', 'other/b.py': ''})
      expect(await names({}, path.join(root, 'sub'))).to.deep.equal(['a.py'])
    })

    it('lists a project that the repository around it ignores', async () => {
      await writeTree(root, {'.gitignore': '*\n', 'sub/a.py': '', 'sub/.gitignore': '*.log', 'sub/x.log': ''})
      expect(await names({}, path.join(root, 'sub'))).to.deep.equal(['.gitignore', 'a.py'])
    })

    it('follows submodules and nested repositories, without their .git', async () => {
      const lib = path.join(temp.path, 'lib')
      await writeTree(lib, {'lib.py': '', '.gitignore': '*.o'})
      git(lib, 'init', '-q')
      git(lib, 'add', '.')
      git(lib, 'commit', '-qm', 'x')
      await writeTree(root, {'main.py': ''})
      git(root, 'submodule', '--quiet', 'add', lib, 'third/lib')
      await writeTree(root, {'third/lib/new.py': '', 'third/lib/x.o': '', 'nested/n.py': ''})
      git(path.join(root, 'nested'), 'init', '-q')
      expect(await names()).to.deep.equal(['.gitmodules', 'main.py', 'nested/n.py', 'third/lib/.gitignore', 'third/lib/lib.py', 'third/lib/new.py'])
    })

    it('lists a folder that became a link, and a file that became a folder', async () => {
      await writeTree(root, {'a/x': '', 'b': '', 'real/x': ''})
      git(root, 'add', '.')
      await rm(path.join(root, 'a'), {recursive: true})
      await symlink('real', path.join(root, 'a'))
      await rm(path.join(root, 'b'))
      await writeTree(root, {'b/y': ''})
      expect(await names()).to.deep.equal(['a', 'b/y', 'real/x'])
    })

    it('is not misled by the environment of a git hook', async () => {
      await writeTree(root, {'.gitignore': '*.csv\n.gitignore\n', 'tracked.csv': ''})
      git(root, 'add', '-f', 'tracked.csv')
      process.env['GIT_DIR'] = '/nonexistent'
      process.env['GIT_INDEX_FILE'] = '/nonexistent/index'
      try {
        expect(await names()).to.deep.equal(['tracked.csv'])
      } finally {
        delete process.env['GIT_DIR']
        delete process.env['GIT_INDEX_FILE']
      }
    })

    it('reads the ignore files itself where git is not installed or fails', async () => {
      await writeTree(root, {'.gitignore': '*.log\n', 'a.py': '', 'x.log': ''})
      const {PATH} = process.env
      process.env['PATH'] = '/nonexistent'
      try {
        expect(await names()).to.deep.equal(['.gitignore', 'a.py'])
      } finally {
        process.env['PATH'] = PATH
      }
      await writeFile(path.join(root, '.git', 'config'), '[broken')
      const {files, warnings} = await listProjectFiles(root)
      expect(files.map(file => file.path)).to.deep.equal(['.gitignore', 'a.py'])
      expect(warnings.join()).to.contain('git cannot list')
    })
  })

  it('lists everything, .git too, where no rules are asked for', async () => {
    await writeTree(root, {'.gitignore': '*', '.runctlignore': '*', '.git/x': '', 'node_modules/y': '', '.env': ''})
    const {files, warnings} = await listProjectFiles(root, {rules: 'none'})
    expect(files.map(file => file.path)).to.deep.equal(['.env', '.git/x', '.gitignore', '.runctlignore', 'node_modules/y'])
    expect(warnings).to.deep.equal([])
  })

  it('refuses the home folder, the root of the file system, a file and what is not there', async () => {
    expect((await failureOf({homeDir: root})).message).to.contain('your home folder')
    expect((await failureOf({}, '/')).code).to.equal('bad_input')
    await writeTree(root, {f: ''})
    expect((await failureOf({}, path.join(root, 'f'))).code).to.equal('not_found')
    expect((await failureOf({}, path.join(root, 'none'))).code).to.equal('not_found')
  })

  it('never puts a raw control character of a name into a message', async () => {
    await writeTree(root, {'\u001b[31mx.pem': '', '\u202egpj.pem': ''})
    const [warning] = (await listProjectFiles(root)).warnings
    expect(warning).not.to.match(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  })

  it('lists a root that is reached through a link', async () => {
    await writeTree(root, {'a.py': ''})
    await symlink(root, path.join(temp.path, 'alias'))
    await symlink(path.join(temp.path, 'alias', 'a.py'), path.join(root, 'abs'))
    expect((await listProjectFiles(path.join(temp.path, 'alias'))).files.map(file => [file.path, file.target])).to.deep.equal([['a.py', undefined], ['abs', 'a.py']])
  })
})
