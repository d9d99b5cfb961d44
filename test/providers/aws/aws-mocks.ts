import {EC2Client} from '@aws-sdk/client-ec2'
import {IAMClient} from '@aws-sdk/client-iam'
import {PricingClient} from '@aws-sdk/client-pricing'
import {SSMClient} from '@aws-sdk/client-ssm'
import {mockClient} from 'aws-sdk-client-mock'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {AwsProvider} from '../../../src/providers/aws/aws-provider.js'
import {createClients} from '../../../src/providers/aws/clients.js'
import {readAwsSettings} from '../../../src/providers/aws/instances/aws-settings.js'
import {HandClock} from '../../support/hand-clock.js'

/** An AWS that answers what a test says, and fails for everything else. */
export function awsMocks() {
  const mocks = {ec2: mockClient(EC2Client), iam: mockClient(IAMClient), pricing: mockClient(PricingClient), ssm: mockClient(SSMClient)}
  const all = Object.entries(mocks) as unknown as readonly (readonly [name: string, mock: typeof mocks.ec2])[]
  let dataDir = ''
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'runctl-'))
  })
  beforeEach(async () => {
    for (const [name, mock] of all) mock.reset().onAnyCommand().rejects(awsError('UnexpectedCall', `nobody expects this call of ${name}`))
    for (const name of ['aws-prices.json', 'aws-spot-history.json']) await rm(join(dataDir, name), {force: true})
  })
  after(async () => {
    for (const [, mock] of all) mock.restore()
    await rm(dataDir, {recursive: true})
  })

  const clock = new HandClock()
  const env = {AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret'}
  return {
    ...mocks,
    clock,
    dataDir: () => dataDir,
    provider(settings: Readonly<Record<string, unknown>> = {}, region = env.AWS_REGION): AwsProvider {
      return new AwsProvider({clients: createClients({env: {...env, AWS_REGION: region}, settings}), settings: readAwsSettings(settings), dataDir, clock})
    },
  }
}

/** As the SDK throws it. */
export function awsError(name: string, message = `AWS says ${name}`, httpStatusCode = 400): Error {
  return Object.assign(new Error(message), {name, $fault: 'client', $metadata: {httpStatusCode, requestId: 'req-1'}})
}

export const ids = (count: number): string[] => Array.from({length: count}, (_, at) => `i-${String(at + 1).padStart(17, '0')}`)

/** The input of every call of a command, in the order of the calls. */
export function inputs<I>(mock: CommandMock, command: abstract new (...args: never) => {readonly input: I}): I[] {
  return mock.commandCalls(command as never).map(call => call.args[0].input as I)
}

interface CommandMock {
  commandCalls(command: never): readonly {readonly args: readonly [{readonly input: unknown}, ...unknown[]]}[]
}
