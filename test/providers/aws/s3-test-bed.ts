import {randomBytes} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {createClients} from '../../../src/providers/aws/clients.js'
import {S3Store} from '../../../src/providers/aws/store/s3-store.js'
import {recordedMachines} from '../../bench-self/with-bench.js'
import {type AwsBench, startAwsBench} from '../../bench/index.js'

/** A store over the bench's S3, with a bucket `data` in the configured region. */
export class S3TestBed {
  private constructor(
    readonly bench: AwsBench,
    readonly folder: string,
  ) {}

  static async create(): Promise<S3TestBed> {
    const folder = await mkdtemp(join(tmpdir(), 'runctl-s3-'))
    const bench = await startAwsBench({machines: recordedMachines()})
    bench.s3.addBucket('data')
    return new S3TestBed(bench, folder)
  }

  store(env: Readonly<Record<string, string>> = {}, scratch: string | null = null): S3Store {
    return new S3Store({clients: createClients({env: {...this.bench.env, ...env}, settings: {}}), scratch})
  }

  /** How many requests of an operation came since the last reset. */
  count(operation: string): number {
    return this.operations().filter((name) => name === operation).length
  }

  /** In the order in which they were answered. */
  operations(): readonly string[] {
    return this.bench.calls.list().map(({operation}) => operation)
  }

  reset(): void {
    this.bench.calls.reset()
  }

  async dispose(): Promise<void> {
    await this.bench.close()
    await rm(this.folder, {recursive: true, force: true})
  }
}

export function someBytes(length: number): Buffer {
  return randomBytes(length)
}
