import {expect} from 'chai'
import fc from 'fast-check'

import type {SyncEntry} from '../../../src/agent/protocol.js'
import {changesBetween, deltaBetween, manifestOf} from '../../../src/core/sync/manifest.js'

const sha256 = fc.constantFrom('a', 'b', 'c').map(char => char.repeat(64))
const name = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd/e', 'd/f', '😀', '\uffee', 'new\nline'), fc.string({unit: 'binary', minLength: 1, maxLength: 6}))
const entry: fc.Arbitrary<SyncEntry> = fc.oneof(
  fc.record({path: name, kind: fc.constant('file' as const), mode: fc.constantFrom(0o644, 0o755), size: fc.nat(3), sha256}),
  fc.record({path: name, kind: fc.constant('symlink' as const), mode: fc.constant(0o777), size: fc.nat(3), target: fc.constantFrom('a', 'b')}),
)
const entries = fc.uniqueArray(entry, {selector: one => one.path, maxLength: 12})

/** As the agent does. */
function applyDelta(base: readonly SyncEntry[], delta: ReturnType<typeof deltaBetween>): SyncEntry[] {
  const reached = new Map(base.map(one => [one.path, one]))
  for (const path of delta.remove) reached.delete(path)
  for (const one of delta.set) reached.set(one.path, one)
  return [...reached.values()]
}

describe('manifests', () => {
  it('have one name whatever the order of their entries, and others for any difference', () => {
    fc.assert(
      fc.property(entries, entries, (some, others) => {
        expect(manifestOf([...some].reverse()).tree).to.equal(manifestOf(some).tree)
        const isSame = JSON.stringify(manifestOf(some).entries) === JSON.stringify(manifestOf(others).entries)
        expect(manifestOf(some).tree === manifestOf(others).tree).to.equal(isSame)
      }),
    )
  })

  it('are in the order of the bytes of their paths', () => {
    const paths = manifestOf(['\u{1f600}', '\uffee', 'b', 'B', 'a/b', 'a'].map((path): SyncEntry => ({path, kind: 'file', mode: 0o644, size: 0, sha256: ''}))).entries.map(one => one.path)
    expect(paths).to.deep.equal(['B', 'a', 'a/b', 'b', '\uffee', '\u{1f600}'])
  })

  it('become one another by the delta between them', () => {
    fc.assert(
      fc.property(entries, entries, (base, wanted) => {
        const reached = manifestOf(applyDelta(base, deltaBetween(base, wanted)))
        expect(reached).to.deep.equal(manifestOf(wanted))
      }),
    )
  })

  it('have an empty delta to themselves, and one no larger than needed to others', () => {
    fc.assert(
      fc.property(entries, entries, (base, wanted) => {
        expect(deltaBetween(base, base)).to.deep.equal({set: [], remove: []})
        const {set} = deltaBetween(base, wanted)
        for (const one of set) expect(base).not.to.deep.include(one)
      }),
    )
  })

  it('tell what was added, changed and removed', () => {
    const file = (path: string, char: string): SyncEntry => ({path, kind: 'file', mode: 0o644, size: 1, sha256: char.repeat(64)})
    expect(changesBetween([file('a', 'a'), file('b', 'a'), file('c', 'a')], [file('a', 'a'), file('b', 'b'), file('d', 'a')])).to.deep.equal({added: ['d'], changed: ['b'], removed: ['c']})
  })

  it('have the canonical form that docs/agent-protocol.md gives', () => {
    const tree = manifestOf([
      {path: 'b', kind: 'symlink', mode: 0o777, size: 1, target: 'a'},
      {path: 'a', kind: 'file', mode: 0o644, size: 3, sha256: 'ff'},
    ]).tree
    expect(tree).to.equal('6b468d9c8c1a4af3c23bedff92c8029a1224f0488584b4b18536e91b455e2705')
  })
})
