import {DescribeInstancesCommand, EC2Client, RunInstancesCommand} from '@aws-sdk/client-ec2'
import {ListBucketsCommand, S3Client} from '@aws-sdk/client-s3'
import {
  AddRoleToInstanceProfileCommand, AttachRolePolicyCommand, CreateInstanceProfileCommand, CreateRoleCommand, GetInstanceProfileCommand, GetRoleCommand,
  GetRolePolicyCommand, ListAttachedRolePoliciesCommand, PutRolePolicyCommand, SimulatePrincipalPolicyCommand, TagRoleCommand,
} from '@aws-sdk/client-iam'
import {DescribeInstanceInformationCommand, SendCommandCommand, SSMClient} from '@aws-sdk/client-ssm'
import {GetCallerIdentityCommand, STSClient} from '@aws-sdk/client-sts'
import {expect} from 'chai'

import type {AccessKey} from '../bench/world.js'
import {clientSettings, errorOf, type TestBench, withBench} from './with-bench.js'

/** What each service says to a key, as `400 Code`. */
async function answersTo(bench: TestBench, key: AccessKey): Promise<Record<string, string>> {
  const settings = clientSettings(bench, key)
  const calls = {
    ec2: () => new EC2Client(settings).send(new DescribeInstancesCommand({})),
    s3: () => new S3Client(settings).send(new ListBucketsCommand({})),
    ssm: () => new SSMClient(settings).send(new DescribeInstanceInformationCommand({})),
    sts: () => new STSClient(settings).send(new GetCallerIdentityCommand({})),
  }
  const answers = Object.entries(calls).map(async ([name, call]) => {
    const error = await errorOf(call())
    return [name, error === undefined ? 'ok' : `${error.status} ${error.name}`]
  })
  return Object.fromEntries(await Promise.all(answers)) as Record<string, string>
}

const RUN = new RunInstancesCommand({ImageId: 'ami-0a1f2e3d4c5b60001', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, IamInstanceProfile: {Name: 'runctl-instance'}})

describe('bench: who may', () => {
  it('tells a key its owner', () =>
    withBench({}, async (bench) => {
      const {$metadata: _, ...identity} = await bench.stsClient.send(new GetCallerIdentityCommand({}))
      expect(identity).to.deep.equal({Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/trainer', UserId: bench.key.principal.userId})
    }))

  it('lets a key with its secret do everything', () =>
    withBench({}, async (bench) => {
      expect(await answersTo(bench, bench.key)).to.deep.equal({ec2: 'ok', s3: 'ok', ssm: 'ok', sts: 'ok'})
    }))

  it('refuses unknown keys, in each service in its own words', () =>
    withBench({}, async (bench) => {
      expect(await answersTo(bench, {...bench.key, id: 'AKIAUNKNOWNUNKNOWNUN'})).to.deep.equal({
        ec2: '401 AuthFailure', s3: '403 InvalidAccessKeyId', ssm: '400 UnrecognizedClientException', sts: '403 InvalidClientTokenId',
      })
    }))

  it('refuses a wrong secret', () =>
    withBench({}, async (bench) => {
      expect(await answersTo(bench, {...bench.key, secret: 'wrong'})).to.deep.equal({
        ec2: '401 AuthFailure', s3: '403 SignatureDoesNotMatch', ssm: '400 InvalidSignatureException', sts: '403 SignatureDoesNotMatch',
      })
    }))

  it('refuses an expired session', () =>
    withBench({}, async (bench) => {
      const key = bench.world.addUser('guest', {sessionToken: 'token', expiresAt: new Date(Date.now() - 1000)})
      expect(await answersTo(bench, key)).to.deep.equal({ec2: '400 RequestExpired', s3: '400 ExpiredToken', ssm: '400 ExpiredTokenException', sts: '403 ExpiredToken'})
    }))

  it('refuses a clock that is 20 minutes slow; the SDK then corrects itself', () =>
    withBench({}, async (bench) => {
      bench.world.clockOffsetMs = 20 * 60_000
      expect(await answersTo(bench, bench.key)).to.deep.equal({
        ec2: '400 RequestExpired', s3: '403 RequestTimeTooSkewed', ssm: '400 InvalidSignatureException', sts: '403 SignatureDoesNotMatch',
      })
      const patient = new STSClient(clientSettings(bench, bench.key, 3))
      expect(await errorOf(patient.send(new GetCallerIdentityCommand({})))).to.equal(undefined)
      patient.destroy()
    }))

  it('refuses what is not signed', () =>
    withBench({}, async (bench) => {
      const headers = {'content-type': 'application/x-www-form-urlencoded'}
      const ec2 = await fetch(bench.url, {method: 'POST', headers, body: 'Action=DescribeInstances&Version=2016-11-15'})
      expect([ec2.status, await ec2.text()].join(' ')).to.match(/^401 .*<Code>AuthFailure<\/Code>/s)
      const ssm = await fetch(bench.url, {method: 'POST', headers: {'x-amz-target': 'AmazonSSM.SendCommand'}, body: '{}'})
      expect([ssm.status, await ssm.text()].join(' ')).to.match(/^400 .*MissingAuthenticationTokenException/)
      const s3 = await fetch(`${bench.url}/bucket/key`)
      expect([s3.status, await s3.text()].join(' ')).to.match(/^403 .*<Code>AccessDenied<\/Code>/s)
    }))

  it('names the action that is denied, and allows it again', () =>
    withBench({}, async (bench) => {
      const allow = bench.world.deny('ec2:RunInstances')
      const error = await errorOf(bench.ec2Client.send(RUN))
      expect(error).to.deep.include({name: 'UnauthorizedOperation', status: 403})
      expect(error?.message).to.match(/^You are not authorized to perform this operation\. User: arn:aws:iam::123456789012:user\/trainer is not authorized to perform: ec2:RunInstances on resource: /)
      allow()
      expect(await errorOf(bench.ec2Client.send(RUN))).to.equal(undefined)
    }))

  it('denies to one user only, and a whole service', () =>
    withBench({}, async (bench) => {
      const other = bench.world.addUser('other')
      bench.world.deny('ssm:*', other.principal.arn)
      expect(await answersTo(bench, other)).to.include({ssm: '400 AccessDeniedException', ec2: 'ok'})
      expect(await answersTo(bench, bench.key)).to.include({ssm: 'ok'})
    }))

  for (const action of ['iam:PassRole', 'ec2:CreateTags']) {
    it(`needs ${action} for a launch that makes use of it`, () =>
      withBench({}, async (bench) => {
        bench.world.deny(action)
        const input = {...RUN.input, TagSpecifications: [{ResourceType: 'instance' as const, Tags: [{Key: 'a', Value: 'b'}]}]}
        expect((await errorOf(bench.ec2Client.send(new RunInstancesCommand(input))))?.message).to.include(`is not authorized to perform: ${action} on resource: arn:aws:`)
        expect(bench.world.instances.size).to.equal(0)
      }))
  }

  it("gives an instance's keys the rights of its role alone", () =>
    withBench({}, async (bench) => {
      const id = await bench.addInstance()
      const key = bench.world.credentialsOf(bench.instance(id))!
      expect(await answersTo(bench, key)).to.deep.equal({ec2: '403 UnauthorizedOperation', s3: '403 AccessDenied', ssm: '400 AccessDeniedException', sts: 'ok'})
      bench.world.roles.get('runctl-instance')?.inline.set('more', {Version: '2012-10-17', Statement: {Effect: 'Allow', Action: ['ec2:Describe*', 's3:ListAllMyBuckets'], Resource: '*'}})
      expect(await answersTo(bench, key)).to.include({ec2: 'ok', s3: 'ok', ssm: '400 AccessDeniedException'})
    }))
})

describe('bench: IAM', () => {
  const trust = JSON.stringify({Version: '2012-10-17', Statement: [{Effect: 'Allow', Principal: {Service: 'ec2.amazonaws.com'}, Action: 'sts:AssumeRole'}]})
  const policy = JSON.stringify({Version: '2012-10-17', Statement: [{Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::mine/*'}]})
  const SSM_CORE = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'

  it('makes a role with policies and a profile, which an instance can have', () =>
    withBench({}, async (bench) => {
      const iam = bench.iamClient
      const {Role} = await iam.send(new CreateRoleCommand({RoleName: 'mine', AssumeRolePolicyDocument: trust, Tags: [{Key: 'a', Value: 'b'}]}))
      expect(Role?.Arn).to.equal('arn:aws:iam::123456789012:role/mine')
      await iam.send(new AttachRolePolicyCommand({RoleName: 'mine', PolicyArn: SSM_CORE}))
      await iam.send(new PutRolePolicyCommand({RoleName: 'mine', PolicyName: 'out', PolicyDocument: policy}))
      await iam.send(new TagRoleCommand({RoleName: 'mine', Tags: [{Key: 'c', Value: 'd'}]}))
      await iam.send(new CreateInstanceProfileCommand({InstanceProfileName: 'mine'}))
      expect((await errorOf(bench.addInstance({profile: 'mine'}).then((id) => expect(bench.world.mayUseSsm(bench.instance(id))).to.equal(false))))).to.equal(undefined)
      await iam.send(new AddRoleToInstanceProfileCommand({InstanceProfileName: 'mine', RoleName: 'mine'}))

      const found = (await iam.send(new GetRoleCommand({RoleName: 'mine'}))).Role
      expect(found?.Tags).to.deep.equal([{Key: 'a', Value: 'b'}, {Key: 'c', Value: 'd'}])
      expect(decodeURIComponent(found?.AssumeRolePolicyDocument ?? '')).to.equal(trust)
      expect((await iam.send(new ListAttachedRolePoliciesCommand({RoleName: 'mine'}))).AttachedPolicies).to.deep.equal([{PolicyArn: SSM_CORE, PolicyName: 'AmazonSSMManagedInstanceCore'}])
      expect(decodeURIComponent((await iam.send(new GetRolePolicyCommand({RoleName: 'mine', PolicyName: 'out'}))).PolicyDocument ?? '')).to.equal(policy)
      expect((await iam.send(new GetInstanceProfileCommand({InstanceProfileName: 'mine'}))).InstanceProfile?.Roles?.map(({RoleName}) => RoleName)).to.deep.equal(['mine'])
      const instance = bench.instance(await bench.addInstance({profile: 'mine'}))
      expect(bench.world.mayUseSsm(instance)).to.equal(true)
      const simulate = new SimulatePrincipalPolicyCommand({PolicySourceArn: Role?.Arn ?? '', ActionNames: ['s3:PutObject'], ResourceArns: ['arn:aws:s3:::mine/a', 'arn:aws:s3:::other/a']})
      expect((await iam.send(simulate)).EvaluationResults?.map(({EvalDecision}) => EvalDecision)).to.deep.equal(['allowed', 'implicitDeny'])
    }))

  it('says what is there already, and what is not', () =>
    withBench({}, async ({iamClient}) => {
      const names = [
        new CreateRoleCommand({RoleName: 'runctl-instance', AssumeRolePolicyDocument: trust}),
        new GetRoleCommand({RoleName: 'nobody'}),
        new GetRolePolicyCommand({RoleName: 'runctl-instance', PolicyName: 'none'}),
        new GetInstanceProfileCommand({InstanceProfileName: 'none'}),
        new CreateInstanceProfileCommand({InstanceProfileName: 'runctl-instance'}),
        new AddRoleToInstanceProfileCommand({InstanceProfileName: 'runctl-instance', RoleName: 'runctl-instance'}),
        new PutRolePolicyCommand({RoleName: 'runctl-instance', PolicyName: 'x', PolicyDocument: '{'}),
        new AttachRolePolicyCommand({RoleName: 'runctl-instance', PolicyArn: 'arn:aws:iam::aws:policy/None'}),
      ].map(async (command) => (await errorOf(iamClient.send(command as GetRoleCommand)))?.name)
      expect(await Promise.all(names)).to.deep.equal([
        'EntityAlreadyExistsException', 'NoSuchEntityException', 'NoSuchEntityException', 'NoSuchEntityException', 'EntityAlreadyExistsException', 'LimitExceededException',
        'MalformedPolicyDocumentException', 'NoSuchEntityException',
      ])
    }))

  it('names the ARN in what SSM refuses', () =>
    withBench({}, async (bench) => {
      bench.world.deny('ssm:SendCommand')
      const ssm = new SSMClient(clientSettings(bench))
      const error = await errorOf(ssm.send(new SendCommandCommand({DocumentName: 'AWS-RunShellScript', InstanceIds: ['i-0aaaaaaaaaaaaaaaa']})))
      expect(error?.name).to.equal('AccessDeniedException')
      expect(error?.message).to.match(/^User: arn:aws:iam::123456789012:user\/trainer is not authorized to perform: ssm:SendCommand on resource: arn:aws:/)
      ssm.destroy()
    }))
})
