import {isRunctlError, RunctlError} from '../../../model/errors.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {awsErrorName} from './until-visible.js'

/** RunInstances has one error name for every wrong value; only its words tell that it is about the profile. */
export const isAboutProfile = (error: unknown): boolean =>
  isRunctlError(error) && /^Invalid(ParameterValue|IamInstance\w*)/.test(awsErrorName(error)) && /iam ?instance ?profile/i.test(error.message)

/** Whether there is such a profile, so that EC2 will come to know it. Who may not ask is taken to have it. */
export async function profileExists(clients: AwsClients, profile: string, signal: AbortSignal | undefined): Promise<boolean> {
  const InstanceProfileName = profile.split('/').at(-1) ?? profile
  const [iam, {GetInstanceProfileCommand}] = await Promise.all([clients.iam(), import('@aws-sdk/client-iam')])
  const call = () => iam.send(new GetInstanceProfileCommand({InstanceProfileName}), sendOptions(signal))
  return callAws('iam:GetInstanceProfile', signal, call).then(
    () => true,
    (error: unknown) => {
      if (!isRunctlError(error)) throw error
      return error.code !== 'not_found'
    },
  )
}

export function noProfile(profile: string, cause: unknown): RunctlError {
  return new RunctlError('platform_failed', `EC2 knows no instance profile ${profile}, without which no command reaches the instance`, {
    next: ['runctl aws setup', 'runctl aws create --instance-profile NAME'],
    details: {instance_profile: profile, aws_error: awsErrorName(cause)},
    cause,
  })
}
