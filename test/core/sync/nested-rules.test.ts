import {expect} from 'chai'
import fc from 'fast-check'
import {execFileSync} from 'node:child_process'
import {mkdir, mkdtemp, rename} from 'node:fs/promises'
import path from 'node:path'

import {listProjectFiles} from '../../../src/core/sync/list-project-files.js'
import {makeTempFolder, writeTree} from './temp-folder.js'

const part = fc.constantFrom('a', 'b', 'ab', 'x.py', 'x.log')
const file = fc.array(part, {minLength: 1, maxLength: 4}).map(parts => `${parts.join('/')}.f`)
const glob = fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*', '*.log.f', '*.f', '?', '[ab]', 'x.py.f')
const pattern = fc
  .tuple(fc.constantFrom('', '!', ''), fc.constantFrom('', '/'), fc.array(glob, {minLength: 1, maxLength: 3}), fc.constantFrom('', '/', ''))
  .map(([negation, anchor, parts, end]) => negation + anchor + parts.join('/') + end)
const rules = fc.array(pattern, {maxLength: 5}).map(lines => lines.join('\n'))

describe('ignore rules without git', () => {
  it('decide as git does, for any rules in any folders', async function () {
    this.timeout(120_000)
    const temp = await makeTempFolder()
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(file, {minLength: 1, maxLength: 12}), rules, rules, rules, async (files, top, inA, inAB) => {
          const root = await mkdtemp(path.join(temp.path, 'p-'))
          await writeTree(root, {...Object.fromEntries(files.map(name => [name, ''])), '.gitignore': top, 'a/.gitignore': inA, 'a/b/.gitignore': inAB})
          const walked = (await listProjectFiles(root)).files.map(one => one.path)
          await mkdir(path.join(temp.path, 'git'), {recursive: true})
          execFileSync('git', ['init', '-q', root])
          const listed = (await listProjectFiles(root)).files.map(one => one.path)
          await rename(path.join(root, '.git'), path.join(temp.path, 'git', path.basename(root)))
          expect(walked).to.deep.equal(listed)
        }),
        {numRuns: 60},
      )
    } finally {
      await temp.remove()
    }
  })
})
