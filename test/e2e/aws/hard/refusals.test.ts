import {expect} from 'chai'
import {randomBytes} from 'node:crypto'

import type {InstanceStatus} from '../../../../src/core/show-status.js'
import {Bench, type ErrorDocument} from '../../support/bench.js'
import {commandsAmong, pasted} from '../../support/pasted-command.js'

type Argv = (id: string) => readonly string[]

const status: Argv = id => ['aws', 'status', id]
const create: Argv = () => ['aws', 'create']

interface Wrong {
  readonly env: (bench: Bench) => Readonly<Record<string, string>>
  readonly says: RegExp
  readonly next: RegExp
  /** Exit status; 6 where absent. */
  readonly code?: number
}

const UNUSABLE: Readonly<Record<string, Wrong>> = {
  'no credentials at all': {env: () => ({AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: ''}), says: /no AWS credentials were found/, next: /aws configure sso/},
  'expired ones': {
    env: bench => bench.aws.envFor(bench.aws.world.addUser('late', {sessionToken: 'token', expiresAt: new Date(Date.now() - 1000)})),
    says: /expired/,
    next: /aws sso login/,
  },
  'a wrong secret': {env: () => ({AWS_SECRET_ACCESS_KEY: 'wrong'}), says: /does not accept these credentials/, next: /get-caller-identity/},
  'another region than the instance is in': {env: () => ({AWS_REGION: 'eu-central-1'}), says: /no instance i-\w+ on aws in eu-central-1/, next: /AWS_REGION/, code: 3},
  'no region': {env: () => ({AWS_REGION: ''}), says: /no AWS region is configured/, next: /AWS_REGION/, code: 2},
  'what is no region': {env: () => ({AWS_REGION: 'us east'}), says: /"us east" is not the name of an AWS region/, next: /AWS_REGION/, code: 2},
  'an address where nobody listens': {
    env: () => ({AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '2'}),
    says: /cannot reach AWS for ec2:DescribeInstances \(ECONNREFUSED\) at 127\.0\.0\.1:9/,
    next: /runctl doctor/,
  },
}

/** What each right is needed for, but those of the bucket. */
const RIGHTS: readonly (readonly [action: string, argv: Argv])[] = [
  ['ec2:DescribeInstances', status],
  ['ec2:RunInstances', create],
  ['ec2:CreateTags', create],
  ['iam:PassRole', create],
  ['ssm:SendCommand', id => ['aws', 'train', id, 'script.py', '--sync-code']],
  ['ssm:GetCommandInvocation', id => ['aws', 'exec', id, '--', 'true']],
  ['ec2:StopInstances', id => ['aws', 'stop', id]],
  ['ec2:TerminateInstances', id => ['aws', 'terminate', id, '--force']],
]

const CAPACITY: readonly {readonly code: string; readonly status?: number; readonly argv?: readonly string[]; readonly next: RegExp}[] = [
  {code: 'InsufficientInstanceCapacity', status: 500, next: /^runctl aws create --zone/},
  {code: 'Unsupported', next: /^runctl aws create --type/},
  {code: 'VcpuLimitExceeded', next: /service-quotas/},
  {code: 'MaxSpotInstanceCountExceeded', argv: ['--spot'], next: /--spot-fallback on-demand/},
]

describe('what AWS refuses', function () {
  this.timeout(60_000)
  let bench: Bench
  let id: string
  let stopped: string

  before(async () => {
    bench = await Bench.create({'script.py': 'print(1)\n', 'noise.bin': randomBytes(60_000).toString('hex')}, {platform: 'aws', aws: {kind: 'folders'}})
    ;[id, stopped] = await Promise.all([bench.aws.addInstance(), bench.aws.addInstance({state: 'stopped'})])
    await bench.ok(['aws', 'train', id, 'script.py', '--sync-code', '--wait'])
  })
  after(() => bench?.destroy())

  /** One message, no stack, and commands that a shell takes. */
  async function check(document: ErrorDocument & {readonly code: number | null}, code: number): Promise<ErrorDocument['error']> {
    const {error} = document
    expect(document.code).to.equal(code)
    expect(error.message).not.to.match(/\n|\bat \S+:\d+:\d+|\[object|undefined/)
    expect(error.next).not.to.have.length(0)
    for (const line of commandsAmong(error.next)) await pasted(line)
    return error
  }

  for (const [name, {code = 6, env, next, says}] of Object.entries(UNUSABLE)) {
    it(name, async () => {
      const error = await check(await bench.jsonError(status(id), {env: env(bench)}), code)
      expect(error.message).to.match(says)
      expect(error.next.join('\n')).to.match(next)
    })
  }

  it("a proxy's page in the place of an answer", async () => {
    const remove = bench.aws.inject({operation: 'DescribeInstances', kind: 'html'})
    const error = await check(await bench.jsonError(status(id), {env: {AWS_MAX_ATTEMPTS: '2'}}).finally(remove), 6)
    expect(error.message).to.contain('what answered is not AWS').and.not.to.contain('<html')
  })

  describe('a right that is missing is named, with the line that gives it', () => {
    for (const [action, argv] of RIGHTS) {
      it(`${action}, for ${argv('i-…').slice(0, 2).join(' ')}`, async () => {
        const allow = bench.aws.world.deny(action, bench.aws.key.principal.arn)
        const error = await check(await bench.jsonError(argv(id)).finally(allow), 6)
        expect(error.details).to.deep.include({missing_action: action}).and.to.have.nested.property('policy_statement.Action', action)
        expect(error.message).to.contain(`may not do ${action}`).and.to.contain('"Effect":"Allow"')
        expect(error.next).to.include('runctl aws setup --dry-run')
      })
    }

    it('ec2:StartInstances', async () => {
      const allow = bench.aws.world.deny('ec2:StartInstances')
      const error = await check(await bench.jsonError(['aws', 'start', stopped]).finally(allow), 6)
      expect(error.details['missing_action']).to.equal('ec2:StartInstances')
    })

    it('s3:PutObject and s3:GetObject, where a bucket carries what is large', async () => {
      await bench.ok(['aws', 'setup'])
      for (const [action, argv] of [
        ['s3:PutObject', ['aws', 'push', id, 'noise.bin']],
        ['s3:GetObject', ['aws', 'exec', id, '--', 'head', '-c', '60000', '/dev/urandom']],
      ] as const) {
        const allow = bench.aws.world.deny(action, bench.aws.key.principal.arn)
        const error = await check(await bench.jsonError(argv).finally(allow), 6)
        expect(error.message, action).to.contain(action)
      }
    })

    it('pricing:GetProducts, which only makes prices unknown', async () => {
      const allow = bench.aws.world.deny('pricing:GetProducts')
      // Where no price is remembered yet.
      const env = {RUNCTL_DATA_DIR: `${bench.root}/fresh`}
      expect((await bench.json<InstanceStatus>(status(id), {env}).finally(allow)).cost_per_hour).to.equal(null)
    })

    it('ec2:CreateTags, which keeps no machine running', async () => {
      const other = await bench.aws.addInstance()
      const allow = bench.aws.world.deny('ec2:CreateTags')
      const {stderr} = await bench.ok(['aws', 'stop', other]).finally(allow)
      expect(stderr).to.contain('Warning').and.to.contain('may not do ec2:CreateTags')
      expect(bench.aws.instance(other).state).to.equal('stopped')
    })
  })

  for (const {argv = [], code, next, status: httpStatus = 400} of CAPACITY) {
    it(`${code}: advice of its own, and no machine`, async () => {
      const before = bench.aws.world.instances.size
      const remove = bench.aws.inject({operation: 'RunInstances', kind: 'error', code, status: httpStatus, message: 'As AWS puts it.'})
      const {error} = await bench.jsonError([...create(id), ...argv]).finally(remove)
      expect([error.code, error.details['aws_error']]).to.deep.equal(['platform_failed', code])
      expect(error.message).to.contain('As AWS puts it.')
      expect(error.next.some(line => next.test(line)), error.next.join('\n')).to.equal(true)
      expect(bench.aws.world.instances.size).to.equal(before)
    })
  }
})

describe('a machine on which aws was never set up', () => {
  /** Tells at the end whether a part of the SDK was loaded. */
  const PROBE = `process.on('exit', () => process.stderr.write(Object.keys(require.cache).some(file => file.includes('@aws-sdk')) ? 'SDK\\n' : ''))\n`

  it('hears nothing of it, and loads no SDK', async () => {
    const [local, aws] = await Promise.all([Bench.create({'probe.cjs': PROBE}), Bench.create({'probe.cjs': PROBE}, {platform: 'aws', aws: {kind: 'folders'}})])
    const probe = ({project}: Bench) => ({env: {NODE_OPTIONS: `--require ${project}/probe.cjs`}})
    try {
      // The probe works.
      expect((await aws.ok(['resources', 'list'], probe(aws))).stderr).to.contain('SDK')
      for (const argv of [['status'], ['resources', 'list'], ['run', 'list']]) {
        const {stderr, stdout} = await local.ok(argv, probe(local))
        expect([stderr, stdout.match(/aws/i)], argv.join(' ')).to.deep.equal(['', null])
      }
    } finally {
      await Promise.all([local.destroy(), aws.destroy()])
    }
  })
})
