/** A bench without real machines, and the SDK's clients for it. */

import {EC2Client} from '@aws-sdk/client-ec2'
import {IAMClient} from '@aws-sdk/client-iam'
import {STSClient} from '@aws-sdk/client-sts'

import {type AwsBench, type BenchOptions, startAwsBench} from '../bench/index.js'
import type {Machines} from '../bench/types.js'
import type {AccessKey} from '../bench/world.js'

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

/** What was asked of the machines: `start i-…`. */
export interface RecordedMachines extends Machines {
  readonly asked: string[]
}

export function recordedMachines(): RecordedMachines {
  const asked: string[] = []
  return {
    asked,
    kind: 'folders',
    start: async ({id}) => void asked.push(`start ${id}`),
    stop: async ({id}) => void asked.push(`stop ${id}`),
    remove: async ({id}) => void asked.push(`remove ${id}`),
    run: async () => ({exitCode: 0, timedOut: false, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0)}),
    hostPath: (_, path) => path,
    close: async () => undefined,
  }
}

export interface TestBench extends AwsBench {
  readonly machines: RecordedMachines
  readonly ec2Client: EC2Client
  readonly iamClient: IAMClient
  readonly stsClient: STSClient
}

export interface ClientSettings {
  readonly endpoint: string
  readonly region: string
  readonly maxAttempts: number
  readonly credentials: {readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string}
}

/** Without retries, unless the test is about them. */
export function clientSettings(bench: AwsBench, key: AccessKey = bench.key, maxAttempts = 1): ClientSettings {
  const {id: accessKeyId, secret: secretAccessKey, sessionToken} = key
  return {endpoint: bench.url, region: 'us-east-1', maxAttempts, credentials: {accessKeyId, secretAccessKey, ...(sessionToken !== null && {sessionToken})}}
}

/** A bench is closed when the test has ended, whatever came of it; what went wrong within it fails the test. */
export async function withBench(options: BenchOptions, test: (bench: TestBench) => Promise<void>): Promise<void> {
  const machines = recordedMachines()
  const bench = await startAwsBench({machines, ...options})
  const settings = clientSettings(bench)
  const clients = {ec2Client: new EC2Client(settings), iamClient: new IAMClient(settings), stsClient: new STSClient(settings)}
  try {
    await test({...bench, ...clients, machines})
  } finally {
    for (const client of Object.values(clients)) client.destroy()
    await bench.close()
  }
}

/** What a promise rejects with; undefined where it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<{name: string; message: string; status: number | undefined} | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    const {name, message, $metadata} = error as Error & {$metadata?: {httpStatusCode?: number}}
    return {name, message, status: $metadata?.httpStatusCode}
  }
}

/** Looks again until it holds; a test that waits forever is ended by mocha. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}
