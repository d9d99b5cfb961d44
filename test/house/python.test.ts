import {execFile} from 'node:child_process'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import {expect} from 'chai'

const ROOT = path.resolve(import.meta.dirname, '../..')

/**
 * Prints what Python 3.8 cannot have in the files below the folders: its grammar by `ast`, and the additions to the standard library that one reaches for without
 * thinking, by name. The last line is how many files there were.
 */
const CHECK = `import ast, os, sys
LATER = {"removeprefix", "removesuffix", "randbytes", "lcm", "bit_count", "pairwise", "batched", "is_relative_to", "with_stem", "hardlink_to", "to_thread"}
MODULES = {"zoneinfo", "graphlib", "tomllib"}
count = 0
for top in sys.argv[1:]:
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith(".py"):
                continue
            count += 1
            try:
                tree = ast.parse(open(path, encoding="utf-8").read(), path, feature_version=(3, 8))
            except SyntaxError as error:
                print("%s:%s: %s" % (path, error.lineno, error.msg))
                continue
            for node in ast.walk(tree):
                found = []
                if isinstance(node, ast.Attribute) and node.attr in LATER:
                    found = [node.attr]
                elif isinstance(node, ast.Import):
                    found = [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
                elif isinstance(node, ast.ImportFrom):
                    found = [node.module] if (node.module or "").split(".")[0] in MODULES else [a.name for a in node.names if (node.module, a.name) == ("functools", "cache")]
                elif isinstance(node, ast.Call):
                    found = [word.arg for word in node.keywords if word.arg in ("strict", "kw_only") and getattr(node.func, "id", "") in ("zip", "dataclass")]
                for what in found:
                    print("%s:%d: %s" % (path, node.lineno, what))
print(count)
`

async function check(...folders: readonly string[]): Promise<{readonly problems: readonly string[]; readonly files: number}> {
  const {stdout} = await promisify(execFile)('python3', ['-c', CHECK, ...folders], {cwd: ROOT})
  const lines = stdout.trim().split('\n')
  return {problems: lines.slice(0, -1), files: Number(lines.at(-1))}
}

describe('what runs on an instance', () => {
  it('is Python 3.8: the agent, its tests and the samples', async () => {
    const {files, problems} = await check('agent', 'training')
    expect(problems).to.deep.equal([])
    expect(files).to.be.greaterThan(60)
  })

  it('would not be with what came later', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'runctl-python-'))
    try {
      const later: readonly (readonly [text: string, what: string])[] = [
        // Python says of these in other words from version to version.
        ['match 1:\n    case 1:\n        pass\n', ':'], ['try:\n    pass\nexcept* OSError:\n    pass\n', ':'],
        ['"ab".removeprefix("a")\n', 'removeprefix'], ['import tomllib\n', 'tomllib'], ['from functools import cache\n', 'cache'], ['zip([], [], strict=True)\n', 'strict'],
      ]
      for (const [at, [text]] of later.entries()) await writeFile(path.join(folder, `${at}.py`), text)
      const {problems} = await check(folder)
      expect(problems).to.have.length(later.length)
      for (const [at, [, what]] of later.entries()) expect(problems[at]).to.contain(`${at}.py:`).and.to.contain(what)
      await rm(folder, {recursive: true})
      expect((await check(folder)).files).to.equal(0)
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })
})
