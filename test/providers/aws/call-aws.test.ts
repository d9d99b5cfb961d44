import {expect} from 'chai'

import {callAws} from '../../../src/providers/aws/call-aws.js'
import {expectedFailure, rejection} from '../../support/rejection.js'
import {awsError} from './aws-mocks.js'

const fail = (error: unknown, action = 'ec2:RunInstances') =>
  expectedFailure(callAws(action, undefined, () => Promise.reject(error as Error)))

describe('what goes wrong at AWS', () => {
  const table: readonly (readonly [name: string, code: string, message: RegExp, next: RegExp])[] = [
    ['CredentialsProviderError', 'platform_failed', /no AWS credentials/, /aws configure sso/],
    ['TokenProviderError', 'platform_failed', /sign-in has ended/, /aws sso login/],
    ['ExpiredToken', 'platform_failed', /expired/, /aws sso login/],
    ['RequestExpired', 'platform_failed', /expired.*clock/, /aws sso login/],
    ['ExpiredTokenException', 'platform_failed', /expired/, /aws sso login/],
    ['AuthFailure.ServiceLinkedRoleCreationNotPermitted', 'platform_failed', /no spot instance yet/, /create-service-linked-role --aws-service-name spot/],
    ['AuthFailure', 'platform_failed', /does not accept these credentials/, /get-caller-identity/],
    ['UnrecognizedClientException', 'platform_failed', /does not accept/, /runctl doctor/],
    ['InvalidClientTokenId', 'platform_failed', /does not accept/, /AWS_PROFILE/],
    ['SignatureDoesNotMatch', 'platform_failed', /does not accept/, /AWS_PROFILE/],
    ['OptInRequired', 'platform_failed', /cannot use the region/, /AWS_REGION/],
    ['RequestLimitExceeded', 'platform_failed', /several attempts/, /^$/],
    ['ThrottlingException', 'platform_failed', /several attempts/, /^$/],
    ['InsufficientInstanceCapacity', 'platform_failed', /none of these machines free/, /--zone ZONE/],
    ['UnfulfillableCapacity', 'platform_failed', /none of these machines free/, /--type TYPE/],
    ['VcpuLimitExceeded', 'platform_failed', /quota/, /service-quotas/],
    ['InstanceLimitExceeded', 'platform_failed', /quota/, /resources list/],
    ['MaxSpotInstanceCountExceeded', 'platform_failed', /quota/, /runctl doctor/],
    ['SpotMaxPriceTooLow', 'platform_failed', /below the spot price/, /create --spot/],
    ['Unsupported', 'platform_failed', /zone does not have/, /--zone ZONE/],
    ['InvalidInstanceID.NotFound', 'not_found', /no such instance/, /resources list/],
    ['InvalidInstanceID.Malformed', 'not_found', /no such instance/, /resources list/],
    ['IncorrectInstanceState', 'wrong_state', /present state/, /resources list/],
    ['OperationNotPermitted', 'wrong_state', /protected/, /modify-instance-attribute/],
    ['IdempotentParameterMismatch', 'bad_input', /other settings/, /resources list/],
    ['InvalidAMIID.NotFound', 'bad_input', /InvalidAMIID/, /^$/],
    ['NoSuchBucket', 'not_found', /NoSuchBucket/, /^$/],
  ]
  for (const [name, code, message, next] of table) {
    it(`is told of ${name} as ${code}, with what to do`, async () => {
      const error = await fail(awsError(name))
      expect(error.code).to.equal(code)
      expect(error.message).to.match(message)
      expect(error.next.join('\n')).to.match(next)
      expect(error.details).to.include({aws_error: name, request_id: 'req-1', action: 'ec2:RunInstances'})
    })
  }

  it('names the missing right, who lacks it and the policy line that gives it', async () => {
    const words = 'You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/me is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/runctl-instance because no identity-based policy allows the iam:PassRole action. Encoded authorization failure message: AAAA'
    const error = await fail(awsError('UnauthorizedOperation', words, 403))
    expect(error.message).to.include('arn:aws:iam::123456789012:user/me may not do iam:PassRole on arn:aws:iam::123456789012:role/runctl-instance')
    expect(error.message).to.include('{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/runctl-instance"}')
    expect(error.message).not.to.include('AAAA')
    expect(error.next).to.include('runctl aws setup --dry-run')
  })

  it('names the action that was called where AWS names none', async () => {
    const error = await fail(awsError('AccessDenied', 'Access Denied', 403), 's3:PutObject')
    expect(error.message).to.include('"Action":"s3:PutObject"')
  })

  it('does not advise a policy line where a policy denies it expressly', async () => {
    const words = 'User: arn:aws:iam::1:user/me is not authorized to perform: ec2:RunInstances with an explicit deny in a service control policy'
    const error = await fail(awsError('UnauthorizedOperation', words, 403))
    expect(error.message).to.match(/forbids it expressly/).and.not.to.match(/Effect/)
  })

  it('says that nobody was reached, and that the outcome is not known, where a connection breaks', async () => {
    const error = await fail(Object.assign(new Error('read ECONNRESET'), {code: 'ECONNRESET'}))
    expect(error.code).to.equal('platform_failed')
    expect(error.message).to.match(/cannot reach AWS.*not known/)
    expect(error.details['uncertain']).to.equal(true)
  })

  it('suspects the region where a name of AWS is unknown', async () => {
    const error = await fail(Object.assign(new Error('x'), {code: 'ENOTFOUND', hostname: 'ec2.us-esat-1.amazonaws.com'}))
    expect(error.message).to.match(/ec2\.us-esat-1\.amazonaws\.com.*is the region right/)
  })

  it('gives name, status and request id of what is unknown, and no stack', async () => {
    const error = await fail(awsError('SomethingNew', 'it broke', 500))
    expect(error.message).to.equal('AWS failed ec2:RunInstances: it broke (SomethingNew, HTTP 500, request req-1)')
    expect(error.details['uncertain']).to.equal(true)
  })

  it('does not take a throttled repetition for an answer to the first attempt', async () => {
    const throttled = (attempts: number): Error => Object.assign(awsError('RequestLimitExceeded', 'slower', 503), {$metadata: {httpStatusCode: 503, attempts}})
    expect((await fail(throttled(1))).details['uncertain']).to.equal(undefined)
    expect((await fail(throttled(3))).details['uncertain']).to.equal(true)
  })

  it("takes a proxy's page for an outage", async () => {
    const page = Object.assign(new SyntaxError('Unexpected token <\n  Deserialization error: to see the raw response'), {$metadata: {}, $response: {statusCode: 500, headers: {}}})
    const error = await fail(page)
    expect(error.message).to.equal('AWS failed ec2:RunInstances: what answered is not AWS, or AWS is out of order: Unexpected token < (SyntaxError, HTTP 500)')
    expect(error.details['uncertain']).to.equal(true)
  })

  it('leaves a mistake of our own as it is', async () => {
    const bug = new TypeError('x is undefined')
    expect(await rejection(callAws('ec2:RunInstances', undefined, () => Promise.reject(bug)))).to.equal(bug)
  })

  it("rejects with the signal's reason as soon as it is aborted", async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const call = callAws('ec2:RunInstances', controller.signal, () => new Promise<never>(() => undefined))
    controller.abort(reason)
    expect(await rejection(call)).to.equal(reason)
    let called = false
    expect(await rejection(callAws('ec2:RunInstances', controller.signal, async () => (called = true)))).to.equal(reason)
    expect(called).to.equal(false)
  })
})
