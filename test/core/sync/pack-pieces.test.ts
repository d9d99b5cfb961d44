import {expect} from 'chai'
import fc from 'fast-check'
import {createHash, randomBytes} from 'node:crypto'
import {writeFile} from 'node:fs/promises'
import path from 'node:path'
import {inflateSync} from 'node:zlib'

import {FileChangedError} from '../../../src/core/sync/file-changed.js'
import {PiecePacker, type Blob} from '../../../src/core/sync/pack-pieces.js'
import {makeTempFolder} from './temp-folder.js'

function blobOf(bytes: Uint8Array): Blob {
  return {sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, bytes}
}

/** Puts the pieces together again as the agent does. */
async function deliver(blobs: readonly Blob[], budgetBytes: number): Promise<{contents: Map<string, Buffer>; calls: number}> {
  const packer = new PiecePacker(blobs)
  const contents = new Map<string, Buffer>()
  let calls = 0
  while (!packer.isEmpty) {
    const {pieces, attachment} = await packer.next(budgetBytes)
    expect(pieces).not.to.have.length(0)
    expect(Buffer.byteLength(JSON.stringify(pieces)) + (attachment?.length ?? 0)).to.be.at.most(budgetBytes)
    const bytes = inflateSync(attachment ?? Buffer.alloc(0))
    let at = 0
    for (const piece of pieces) {
      const content = contents.get(piece.sha256) ?? Buffer.alloc(piece.size)
      expect(bytes.copy(content, piece.offset, at, at + piece.length)).to.equal(piece.length)
      contents.set(piece.sha256, content)
      at += piece.length
    }
    expect(at).to.equal(bytes.length)
    calls++
  }
  return {contents, calls}
}

const content = fc.oneof(
  fc.uint8Array({minLength: 1, maxLength: 40}),
  fc.nat(30_000).map(length => randomBytes(length + 1)),
  fc.tuple(fc.nat(200_000), fc.nat(255)).map(([length, byte]) => Buffer.alloc(length + 1, byte)),
  fc.nat(20_000).map(count => Buffer.from(Array.from({length: count + 1}, (_, i) => `line ${i}\n`).join(''))),
)

describe('PiecePacker', () => {
  it('delivers any blobs whole, each call within its budget', async function () {
    this.timeout(120_000)
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(content, {maxLength: 8, selector: one => Buffer.from(one).toString('latin1')}), fc.integer({min: 1200, max: 40_000}), async (all, budget) => {
        const blobs = all.map(blobOf)
        const {contents} = await deliver(blobs, budget)
        for (const [index, blob] of blobs.entries()) expect(contents.get(blob.sha256)?.equals(all[index] as Uint8Array)).to.equal(true)
      }),
      {numRuns: 60},
    )
  })

  it('fills calls of bytes that do not shrink to more than nine tenths, and hundreds of small files into few calls', async () => {
    expect((await deliver([blobOf(randomBytes(230_000))], 24_000)).calls).to.be.at.most(10)
    const small = Array.from({length: 300}, (_, i) => blobOf(Buffer.from(`import module_${i}\nprint(${i})\n`)))
    expect((await deliver(small, 24_000)).calls).to.be.at.most(3)
  })

  it('gives no pieces where the budget is too small for any', async () => {
    expect((await new PiecePacker([blobOf(randomBytes(100))]).next(150)).pieces).to.deep.equal([])
  })

  it('notices a file that is shorter, longer in front, gone or a link by now', async () => {
    const temp = await makeTempFolder()
    const absolutePath = path.join(temp.path, 'f')
    const original = randomBytes(5000)
    const blob: Blob = {sha256: blobOf(original).sha256, size: 5000, path: 'f', absolutePath}
    for (const now of [original.subarray(1), Buffer.concat([Buffer.from('x'), original]), null]) {
      if (now) await writeFile(absolutePath, now)
      const packer = new PiecePacker([now ? blob : {...blob, absolutePath: `${absolutePath}-gone`}])
      const error = await packer.next(1 << 20).then(() => null, (reason: unknown) => reason)
      expect(error).to.be.instanceOf(FileChangedError)
      await packer.close()
    }
    await temp.remove()
  })
})
