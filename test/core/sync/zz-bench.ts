import {mkdirSync, writeFileSync, mkdtempSync, utimesSync} from 'node:fs'
import {tmpdir} from 'node:os'
import path from 'node:path'
import {listProjectFiles} from '/work/main/src/core/sync/list-project-files.js'
import {hashFiles} from '/work/main/src/core/sync/hash-files.js'
import {makeManifest} from '/work/main/src/core/sync/manifest.js'
import {execFileSync} from 'node:child_process'
const root = mkdtempSync(path.join(tmpdir(), 'bench-'))
for (let d = 0; d < 100; d++) { mkdirSync(path.join(root, `d${d}`)); for (let f = 0; f < 100; f++) {const p = path.join(root, `d${d}/f${f}.py`); writeFileSync(p, `print(${d}, ${f})\n`.repeat(30)); utimesSync(p, 1e9, 1e9)} }
writeFileSync(path.join(root, '.gitignore'), '*.pyc\nbuild/\ndist\n/foo/bar\n!keep.pyc\n')
async function go(label: string) {
  const t0 = performance.now(); const l = await listProjectFiles(root); const t1 = performance.now()
  const h = await hashFiles(l.root, l.files, {cacheDir: path.join(root, '..', 'bench-cache'), now: () => new Date()}); const t2 = performance.now()
  const m = makeManifest(h); const t3 = performance.now()
  console.log(label, l.files.length, 'list', (t1 - t0) | 0, 'hash', (t2 - t1) | 0, 'manifest', (t3 - t2) | 0, m.tree.slice(0, 8))
}
await go('walk'); await go('walk again')
execFileSync('git', ['init', '-q'], {cwd: root}); await go('git'); execFileSync('git', ['add', '.'], {cwd: root}); await go('git tracked')
