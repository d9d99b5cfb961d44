import {BucketAlreadyOwnedByYou, CreateBucketCommand, PutObjectCommand, S3Client} from '@aws-sdk/client-s3'
import {execFile} from 'node:child_process'
import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'

import {clientSettings} from '../../bench-self/with-bench.js'
import type {Bench} from '../support/bench.js'

/** Puts a small data set below `prefix` of a bucket that is not runctl's own, through S3 as anybody would; the files' bytes. */
export async function digitsFor(bench: Bench, bucket: string, prefix: string): Promise<readonly Buffer[]> {
  const folder = path.join(bench.root, 'digits')
  await promisify(execFile)('python3', [path.join(bench.project, 'training', 'make_digits.py'), folder, '--train', '60', '--test', '20'])
  const s3 = new S3Client(clientSettings(bench.aws))
  try {
    await s3.send(new CreateBucketCommand({Bucket: bucket})).catch((error: unknown) => {
      if (!(error instanceof BucketAlreadyOwnedByYou)) throw error
    })
    const put = async (name: string): Promise<Buffer> => {
      const bytes = await readFile(path.join(folder, name))
      await s3.send(new PutObjectCommand({Bucket: bucket, Key: `${prefix}${name}`, Body: bytes}))
      return bytes
    }
    return await Promise.all((await readdir(folder)).map(put))
  } finally {
    s3.destroy()
  }
}
