import {expect} from 'chai'

import type {CleanedCheckpoint, CleanedPlace, CleanupResult} from '../../src/core/cleanup-checkpoints.js'
import {renderCheckpointPull, renderTags} from '../../src/ui/checkpoint-pull-text.js'
import {renderCleanup} from '../../src/ui/retention-text.js'
import {HOSTILE, RAW_CONTROL, TABLE, TEXT} from './samples.js'

const URI = 's3://my-bucket/out/net/run-20261123-100000-0000000a/checkpoints/epoch_1.pt'
const cleaned = (over: Partial<CleanedCheckpoint> = {}): CleanedCheckpoint => ({
  kind: 's3', where: 'my-bucket', path: URI, run_id: 'run-20261123-100000-0000000a', state: 'complete', step: 100, epoch: 1, modified_at: '2026-11-23T10:00:00Z',
  size_bytes: 1e9, tags: [], what: 'would-remove', why: [], ...over,
})
const place = (over: Partial<CleanedPlace> = {}): CleanedPlace => ({
  kind: 's3', where: 'my-bucket', dir: 's3://my-bucket/out/net/', removed: 1, removed_bytes: 1e9, kept: 1, kept_bytes: 1e9, usd_per_month_less: 0.0214,
  price_source: 'built-in 2026-11', notes: [], ...over,
})
const result = (over: Partial<CleanupResult> = {}): CleanupResult => ({
  dry_run: true, removed: 1, removed_bytes: 1e9, kept: 1, kept_bytes: 1e9, usd_per_month_less: 0.0214, places: [place()],
  checkpoints: [cleaned(), cleaned({path: URI.replace('_1', '_2'), what: 'kept', why: ['newest complete', 'tagged gold']})], ...over,
})

describe('renderCleanup', () => {
  it('shows what would go and what stays with its reasons in 80 columns, and sums up with the money below', () => {
    expect(renderCleanup(result(), TABLE).split('\n')).to.deep.equal([
      '        PATH                      STEP  SIZE      AGE  WHY',
      'remove  …/checkpoints/epoch_1.pt   100  1 GB  10h 15m  -',
      'keep    …/checkpoints/epoch_2.pt   100  1 GB  10h 15m  newest complete; tagged…',
      '',
      'In            s3://my-bucket/out/net/',
      'Would remove  1 checkpoint (1 GB): $0.02 a month less (price: built-in 2026-11)',
      'Would keep    1 checkpoint (1 GB)',
    ])
  })

  it('says "removed" only of what was, "unknown" of a price that is not known, and nothing of one that stays the same', () => {
    const done = renderCleanup(result({dry_run: false, places: [place({usd_per_month_less: null, price_source: null})], checkpoints: [cleaned({what: 'removed'})]}), TABLE)
    expect(done).to.match(/^removed /m).and.to.contain('Removed  1 checkpoint (1 GB): what that saves is unknown')
    expect(renderCleanup(result({places: [place({kind: 'instance', usd_per_month_less: 0, notes: ['a disk costs the same however full it is']})]}), TABLE))
      .to.contain('Would remove  1 checkpoint (1 GB)\n').and.to.match(/^Note +a disk costs the same/m)
  })

  it('as text is a line a checkpoint, whole, with the place and every reason', () => {
    expect(renderCleanup(result(), TEXT).split('\n')[1]?.split('\t')).to.deep.equal(['keep', URI.replace('_1', '_2'), '100', '1000000000', '2026-11-23T10:00:00Z', 'my-bucket', 'newest complete; tagged gold'])
  })

  it('lets nothing from a key, a tag or a manifest reach the terminal raw', () => {
    const hostile = result({places: [place({dir: HOSTILE, notes: [HOSTILE]})], checkpoints: [cleaned({path: HOSTILE, what: 'kept', why: [HOSTILE]})]})
    for (const env of [TABLE, TEXT]) expect(renderCleanup(hostile, env)).to.not.match(RAW_CONTROL)
    expect(renderTags({path: HOSTILE, sha256: 'a', tags: [HOSTILE], places: [{kind: 's3', where: HOSTILE, path: HOSTILE}]}, TABLE)).to.not.match(RAW_CONTROL)
  })
})

describe('renderCheckpointPull', () => {
  const pulled = {from: URI, local_path: '/here/epoch_1.pt', path: 'checkpoints/epoch_1.pt', run_id: null, step: 100, epoch: null, sha256: 'a'.repeat(64), size_bytes: 3e9, what: 'copied'} as const

  it('says of one what came now and what was here before', () => {
    const text = renderCheckpointPull({checkpoints: [pulled], bytes_copied: 1e9, bytes_resumed: 2e9}, TABLE)
    expect(text).to.match(/^Copied +1 GB; 2 GB were here from an earlier try$/m).and.to.not.contain('Epoch')
    expect(renderCheckpointPull({checkpoints: [{...pulled, what: 'unchanged'}], bytes_copied: 0, bytes_resumed: 0}, TABLE)).to.contain('nothing: it was here already')
  })

  it('says that what is here is not what was listed, and lets no name reach the terminal raw', () => {
    expect(renderCheckpointPull({checkpoints: [{...pulled, sha256: null}], bytes_copied: 1, bytes_resumed: 0}, TABLE)).to.contain('written anew meanwhile')
    const hostile = {checkpoints: [{...pulled, from: HOSTILE, local_path: HOSTILE}, {...pulled, local_path: HOSTILE}], bytes_copied: 1, bytes_resumed: 0}
    for (const env of [TABLE, TEXT]) expect(renderCheckpointPull(hostile, env)).to.not.match(RAW_CONTROL)
    expect(renderCheckpointPull({...hostile, checkpoints: hostile.checkpoints.slice(0, 1)}, TABLE)).to.not.match(RAW_CONTROL)
  })
})
