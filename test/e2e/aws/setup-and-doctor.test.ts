import {readFile} from 'node:fs/promises'
import path from 'node:path'
import {expect} from 'chai'

import type {DoctorLine} from '../../../src/core/run-doctor.js'
import type {SetupResult} from '../../../src/core/set-up-platform.js'
import {Bench} from '../support/bench.js'
import {commandsAmong, pasted} from '../support/pasted-command.js'

const BUCKET = 'runctl-123456789012-us-east-1'
/** Of setup, in an account that has nothing. */
const STEPS: readonly (readonly [what: string, state: 'changed' | 'created' | 'ok'])[] = [
  ['role runctl-instance', 'created'],
  ['policy AmazonSSMManagedInstanceCore', 'created'],
  ['policy runctl-s3', 'created'],
  ['instance profile runctl-instance', 'created'],
  [`bucket ${BUCKET}`, 'created'],
  // New buckets are so by themselves.
  [`bucket ${BUCKET} is private`, 'ok'],
  [`bucket ${BUCKET} is encrypted`, 'ok'],
  [`bucket ${BUCKET} lifecycle`, 'changed'],
]

describe('aws setup and doctor', function () {
  this.timeout(60_000)
  let bench: Bench

  before(async () => {
    bench = await Bench.create({}, {platform: 'aws', aws: {kind: 'folders'}})
    bench.aws.world.roles.clear()
    bench.aws.world.instanceProfiles.clear()
  })
  after(() => bench?.destroy())

  const changes = (): readonly string[] => bench.aws.calls.list().map(({operation}) => operation).filter(operation => !/^(Describe|Get|Head|List)/.test(operation)).toSorted()
  const setup = (...flags: readonly string[]): Promise<SetupResult> => bench.json<SetupResult>(['aws', 'setup', ...flags])
  const config = (): Promise<string> => readFile(path.join(bench.root, 'config', 'config.toml'), 'utf8').catch(() => '')

  it('setup --dry-run says what would be made and the least rights of a user, and changes nothing', async () => {
    bench.aws.calls.reset()
    const {stdout} = await bench.ok(['aws', 'setup', '--dry-run'])
    for (const [what] of STEPS) expect(stdout).to.match(new RegExp(`^would be made  ${what}: `, 'm'))
    const policy = JSON.parse(stdout.slice(stdout.indexOf('\n{'), stdout.lastIndexOf('\n}') + 2)) as {Statement: {Action: readonly string[]}[]}
    expect(policy.Statement.flatMap(({Action}) => Action)).to.include.members(['ec2:RunInstances', 'ssm:SendCommand', 's3:PutObject', 'iam:PassRole'])

    const planned = await setup('--dry-run')
    expect(planned.steps.map(({state, what}) => [what, state])).to.deep.equal(STEPS.map(([what]) => [what, 'planned']))
    expect(planned).to.deep.include({dry_run: true, written_to: null, user_policy: policy})
    expect([changes(), bench.aws.world.roles.size, await config()]).to.deep.equal([[], 0, ''])
  })

  it('setup makes it, writes the settings down, and finds it all there the second time', async () => {
    const made = await setup()
    expect(made.steps.map(({state, what}) => [what, state])).to.deep.equal(STEPS)
    expect(await config()).to.contain(`bucket = "${BUCKET}"`)
    expect(made.written_to).to.equal(path.join(bench.root, 'config', 'config.toml'))

    const [written, policies] = [await config(), JSON.stringify([...(bench.aws.world.roles.get('runctl-instance')?.inline ?? [])])]
    bench.aws.calls.reset()
    const {stdout} = await bench.ok(['aws', 'setup'])
    for (const [what] of STEPS) expect(stdout).to.match(new RegExp(`^was there  +${what}: `, 'm'))
    expect([changes(), await config(), JSON.stringify([...(bench.aws.world.roles.get('runctl-instance')?.inline ?? [])])]).to.deep.equal([[], written, policies])
  })

  it('setup mends what somebody changed, and only that', async () => {
    bench.aws.world.roles.get('runctl-instance')?.inline.clear()
    bench.aws.calls.reset()
    const {steps} = await setup()
    expect(steps.filter(({state}) => state !== 'ok').map(({state, what}) => [what, state])).to.deep.equal([['policy runctl-s3', 'created']])
    expect(changes()).to.deep.equal(['PutRolePolicy'])
  })

  it('doctor proves it line by line, on an instance too, with exit status 0', async () => {
    const id = await bench.aws.addInstance()
    const {stdout} = await bench.ok(['doctor', id])
    for (const check of ['identity', 'clock', 'region', 'instance profile', 'bucket', 'quota', 'commands answer', 'agent and clock', 'bucket from the instance']) {
      expect(stdout).to.match(new RegExp(`^ok +aws: ${check} {2,}\\S`, 'm'))
    }
    expect(stdout).to.contain('arn:aws:iam::123456789012:user/trainer in account 123456789012').and.to.contain(`${BUCKET}: wrote, read and deleted an object`)
    expect(stdout).not.to.match(/FAILED|Fix:/)
  })

  /** What is broken, and the check that finds it, with its fix; `skipped` are those that need it. */
  const BROKEN: readonly {
    readonly what: string
    readonly breakIt: (bench: Bench) => () => void
    readonly argv?: readonly string[]
    readonly check: string
    readonly found: RegExp
    readonly fix: RegExp
    readonly skipped?: readonly string[]
  }[] = [
    {
      what: 'there is no instance profile',
      breakIt({aws: {world}}) {
        const profiles = [...world.instanceProfiles]
        world.instanceProfiles.clear()
        return () => profiles.forEach(([name, profile]) => world.instanceProfiles.set(name, profile))
      },
      check: 'instance profile', found: /^there is no instance profile runctl-instance$/, fix: /^runctl aws setup$/,
    },
    {
      what: 'the bucket may not be written',
      breakIt: ({aws}) => aws.world.deny('s3:PutObject', aws.key.principal.arn),
      check: 'bucket', found: /no permission for s3:PutObject on s3:.*"Effect":"Allow","Action":"s3:PutObject"/, fix: /^runctl aws setup --dry-run$/,
    },
    {
      what: 'the quota is too small for the type',
      breakIt({aws: {world}}) {
        const before = world.quotas.get('L-DB2E81BA') ?? 0
        world.quotas.set('L-DB2E81BA', 2)
        return () => world.quotas.set('L-DB2E81BA', before)
      },
      argv: ['--type', 'g5.xlarge'],
      check: 'quota', found: /g5\.xlarge has 4 vCPUs.*0 of 2 vCPUs in use/, fix: /^aws service-quotas request-service-quota-increase .*--quota-code L-DB2E81BA --desired-value 4$/,
    },
    {
      what: "this machine's clock is wrong",
      breakIt({aws: {world}}) {
        world.clockOffsetMs = 120_000
        return () => (world.clockOffsetMs = 0)
      },
      check: 'clock', found: /^1[12]\d\.\d s behind AWS$/, fix: /^set the clock of this machine: sudo timedatectl set-ntp true$/,
    },
    {
      what: 'nobody may be asked who one is',
      breakIt: ({aws}) => aws.inject({operation: 'GetCallerIdentity', kind: 'error', code: 'ExpiredToken', status: 403, message: 'The security token included in the request is expired'}),
      check: 'identity', found: /expired/, fix: /^aws sso login/, skipped: ['clock', 'region', 'instance profile', 'bucket', 'quota'],
    },
  ]
  for (const {argv = [], breakIt, check, fix, found, skipped = [], what} of BROKEN) {
    it(`doctor, where ${what}: the line says so, with what mends it, and the exit status is 6`, async () => {
      const mend = breakIt(bench)
      try {
        const outcome = await bench.run(['doctor', '--platform', 'aws', ...argv, '--json'])
        const lines = bench.document<readonly DoctorLine[]>(outcome, ['doctor'])
        expect(outcome.code).to.equal(6)
        expect(lines.filter(({status}) => status === 'failed').map(line => line.check)).to.deep.equal([check])
        expect(lines.filter(({status}) => status === 'skipped').map(line => line.check)).to.deep.equal(skipped)
        const line = lines.find(one => one.check === check)
        expect(line?.found).to.match(found)
        expect(line?.fix).to.match(fix)
        for (const command of commandsAmong([line?.fix ?? ''])) await pasted(command)
      } finally {
        mend()
      }
    })
  }

  it('doctor as text names what failed and its fix below it, and what was not tried because of it', async () => {
    const id = await bench.aws.addInstance()
    const mend = bench.aws.world.deny('ssm:SendCommand', bench.aws.key.principal.arn)
    const {code, stderr, stdout} = await bench.run(['doctor', id]).finally(mend)
    expect([code, stderr]).to.deep.equal([6, ''])
    expect(stdout).to.match(/^FAILED +aws: commands answer +.*may not do ssm:SendCommand.*\n +Fix: runctl aws setup --dry-run$/m)
    expect(stdout).to.match(/^skipped +aws: agent and clock +needs commands answer$/m)
  })
})
