import {expect} from 'chai'
import {randomBytes} from 'node:crypto'

import type {DoctorLine} from '../../../../src/core/run-doctor.js'
import type {InstanceStatus} from '../../../../src/core/show-status.js'
import type {InstanceProfile, Role} from '../../../bench/world.js'
import {Bench, type ErrorDocument} from '../../support/bench.js'
import {commandsAmong, pasted} from '../../support/pasted-command.js'

type Argv = (id: string, stopped: string) => readonly string[]

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

/** What each right is needed for, but those of setup and doctor. */
const RIGHTS: readonly (readonly [action: string, argv: Argv])[] = [
  ['ec2:DescribeInstances', status],
  ['ec2:CreateSecurityGroup', create],
  ['ec2:RunInstances', create],
  ['ec2:DescribeInstanceTypes', create],
  ['ec2:DescribeImages', create],
  ['ec2:DescribeSubnets', create],
  ['ec2:DescribeSecurityGroups', create],
  ['ssm:GetParameters', create],
  ['ec2:CreateTags', create],
  ['iam:PassRole', create],
  ['ssm:SendCommand', id => ['aws', 'train', id, 'script.py', '--sync-code']],
  ['ssm:GetCommandInvocation', id => ['aws', 'exec', id, '--', 'true']],
  ['ec2:StartInstances', (_id, stopped) => ['aws', 'start', stopped]],
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
      const error = await check(await bench.jsonError(status(id, stopped), {env: env(bench)}), code)
      expect(error.message).to.match(says)
      expect(error.next.join('\n')).to.match(next)
    })
  }

  it("a proxy's page in the place of an answer", async () => {
    const remove = bench.aws.inject({operation: 'DescribeInstances', kind: 'html'})
    const error = await check(await bench.jsonError(status(id, stopped), {env: {AWS_MAX_ATTEMPTS: '2'}}).finally(remove), 6)
    expect(error.message).to.contain('what answered is not AWS').and.not.to.contain('<html')
  })

  describe('a right that is missing is named, with the line that gives it', () => {
    for (const [action, argv] of RIGHTS) {
      it(`${action}, for ${argv('i-…', 'i-…').slice(0, 2).join(' ')}`, async () => {
        // The group is made once an account: earlier creates have done that.
        const {groups} = bench.aws.ec2.state
        for (const {id: group, name} of action === 'ec2:CreateSecurityGroup' ? [...groups.values()] : []) if (name === 'runctl') groups.delete(group)
        const allow = bench.aws.world.deny(action, bench.aws.key.principal.arn)
        const error = await check(await bench.jsonError(argv(id, stopped)).finally(allow), 6)
        expect(error.details).to.deep.include({missing_action: action}).and.to.have.nested.property('policy_statement.Action', action)
        expect(error.message).to.contain(`may not do ${action}`).and.to.contain('"Effect":"Allow"')
        expect(error.next).to.include('runctl aws setup --dry-run')
      })
    }

    it('ssm:ListCommandInvocations, where several instances have one command', async () => {
      const other = await bench.aws.addInstance()
      const allow = bench.aws.world.deny('ssm:ListCommandInvocations', bench.aws.key.principal.arn)
      const outcome = await bench.run(['aws', 'wait', id, other, '--json']).finally(allow)
      const each = bench.document<readonly {readonly instance_id: string; readonly error: ErrorDocument['error']}[]>(outcome, ['aws', 'wait'])
      expect([outcome.code, each.map(({instance_id}) => instance_id)]).to.deep.equal([6, [id, other]])
      for (const {error} of each) expect(error.message).to.contain('may not do ssm:ListCommandInvocations').and.to.contain('"Effect":"Allow"')
    })

    it('s3:PutObject and s3:GetObject, where a bucket carries what is large', async () => {
      await bench.ok(['aws', 'setup'])
      for (const [action, argv] of [
        ['s3:PutObject', ['aws', 'push', id, 'noise.bin']],
        ['s3:GetObject', ['aws', 'exec', id, '--', 'head', '-c', '60000', '/dev/urandom']],
      ] as const) {
        const allow = bench.aws.world.deny(action, bench.aws.key.principal.arn)
        const error = await check(await bench.jsonError(argv).finally(allow), 6)
        expect(error.message, action).to.contain(`no permission for ${action} on s3://`).and.to.contain(`{"Effect":"Allow","Action":"${action}","Resource":"arn:aws:s3:::`)
        expect(error.details['action']).to.equal(action)
      }
    })

    describe('of setup', () => {
      /** Of calls that a new bucket does not need: what makes them needed. */
      const LACKS: Readonly<Record<string, readonly [operation: string, code: string]>> = {
        's3:PutBucketPublicAccessBlock': ['GetPublicAccessBlock', 'NoSuchPublicAccessBlockConfiguration'],
        's3:PutEncryptionConfiguration': ['GetBucketEncryption', 'ServerSideEncryptionConfigurationNotFoundError'],
      }
      const SETUP = [
        'iam:GetRole', 'iam:CreateRole', 'iam:ListAttachedRolePolicies', 'iam:AttachRolePolicy', 'iam:GetRolePolicy', 'iam:PutRolePolicy', 'iam:GetInstanceProfile',
        'iam:CreateInstanceProfile', 'iam:AddRoleToInstanceProfile', 's3:ListBucket', 's3:CreateBucket', 's3:GetBucketPublicAccessBlock',
        's3:GetEncryptionConfiguration', 's3:GetLifecycleConfiguration', 's3:PutLifecycleConfiguration', ...Object.keys(LACKS),
      ]
      const before = {roles: new Map<string, Role>(), profiles: new Map<string, InstanceProfile>()}
      beforeEach(() => {
        const {instanceProfiles, roles} = bench.aws.world
        Object.assign(before, {roles: new Map(roles), profiles: new Map(instanceProfiles)})
        roles.clear()
        instanceProfiles.clear()
      })
      afterEach(() => {
        for (const [name, role] of before.roles) bench.aws.world.roles.set(name, role)
        for (const [name, profile] of before.profiles) bench.aws.world.instanceProfiles.set(name, profile)
      })

      for (const [at, action] of SETUP.entries()) {
        it(action, async () => {
          const [operation, code] = LACKS[action] ?? []
          const mend = operation === undefined ? () => undefined : bench.aws.inject({operation, kind: 'error', status: 404, ...(code !== undefined && {code})})
          const allow = bench.aws.world.deny(action, bench.aws.key.principal.arn)
          const error = await check(await bench.jsonError(['aws', 'setup', '--bucket', `refused-${at}`]).finally(allow).finally(mend), 6)
          expect(error.message).to.contain(action).and.to.contain('"Effect":"Allow"')
        })
      }

      for (const action of ['ec2:DescribeIamInstanceProfileAssociations', 'ec2:AssociateIamInstanceProfile']) {
        it(action, async () => {
          await bench.ok(['aws', 'setup'])
          const bare = await bench.aws.addInstance({profile: null})
          const allow = bench.aws.world.deny(action, bench.aws.key.principal.arn)
          const error = await check(await bench.jsonError(['aws', 'setup', '--attach', bare]).finally(allow), 6)
          expect(error.details['missing_action']).to.equal(action)
        })
      }
    })

    describe('of doctor, which goes on with all else', () => {
      const DOCTOR = {
        'sts:GetCallerIdentity': 'identity', 'ec2:DescribeAvailabilityZones': 'region', 'iam:GetInstanceProfile': 'instance profile',
        'iam:ListAttachedRolePolicies': 'instance profile', 'ec2:DescribeInstanceTypes': 'quota', 'servicequotas:GetServiceQuota': 'quota',
      } as const
      for (const [action, name] of Object.entries(DOCTOR)) {
        it(action, async () => {
          // Everyone may ask who he is, but where an organisation forbids it.
          const allow = action === 'sts:GetCallerIdentity'
            ? bench.aws.inject({operation: 'GetCallerIdentity', kind: 'error', code: 'AccessDenied', status: 403, message: 'User: arn:aws:iam::123456789012:user/trainer is not authorized to perform: sts:GetCallerIdentity'})
            : bench.aws.world.deny(action, bench.aws.key.principal.arn)
          const outcome = await bench.run(['doctor', '--platform', 'aws', '--json']).finally(allow)
          const line = bench.document<readonly DoctorLine[]>(outcome, ['doctor']).find(({check: one}) => one === name)
          expect([outcome.code, line?.status]).to.deep.equal([6, 'failed'])
          expect(line?.found).to.contain(`may not do ${action}`).and.to.contain(`{"Effect":"Allow","Action":"${action}"`)
          expect(line?.fix).to.equal('runctl aws setup --dry-run')
        })
      }
    })

    it('pricing:GetProducts, which makes prices those of the dated table, or unknown', async () => {
      const unusual = await bench.aws.addInstance({type: 't4g.small'})
      const allow = bench.aws.world.deny('pricing:GetProducts')
      // Where no price is remembered yet.
      const env = {RUNCTL_DATA_DIR: `${bench.root}/fresh`}
      try {
        expect(await bench.json<InstanceStatus>(status(id, stopped), {env})).to.include({cost_per_hour: 0.0416, price_source: 'built-in 2026-11'})
        expect(await bench.json<InstanceStatus>(status(unusual, stopped), {env})).to.include({cost_per_hour: null, price_source: null})
      } finally {
        allow()
      }
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
      const {error} = await bench.jsonError([...create(id, stopped), ...argv]).finally(remove)
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
