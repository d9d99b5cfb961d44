import type {_InstanceType} from '@aws-sdk/client-ec2'

import type {CheckResult} from '../../provider.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {quotaFamilyOf, type QuotaFamily} from './quota-codes.js'

/** Whether one more instance of the type fits into the on-demand quota of its family, counting what runs now. */
export async function checkQuota(clients: AwsClients, instanceType: string, signal: AbortSignal | undefined): Promise<CheckResult> {
  const family = quotaFamilyOf(instanceType)
  if (family === null) return {status: 'skipped', found: `${instanceType}: its family has quotas of its own, see Service Quotas`, fix: null}
  const [wanted, used, limit] = await Promise.all([vcpusOf(clients, instanceType, signal), vcpusInUse(clients, family, signal), quota(clients, family, signal)])
  if (wanted === null) {
    const region = await clients.region()
    return {status: 'failed', found: `there is no instance type ${instanceType} in ${region}`, fix: 'choose another type or region: runctl doctor --type g5.xlarge'}
  }
  const found = `${instanceType} has ${wanted} vCPUs; ${family.name}: ${used} of ${limit} vCPUs in use`
  if (used + wanted <= limit) return {status: 'ok', found, fix: null}
  const fix = `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${family.code} --desired-value ${used + wanted}`
  return {status: 'failed', found, fix}
}

async function vcpusOf(clients: AwsClients, instanceType: string, signal: AbortSignal | undefined): Promise<number | null> {
  const {DescribeInstanceTypesCommand} = await import('@aws-sdk/client-ec2')
  const answer = await callAws('ec2:DescribeInstanceTypes', signal, async () =>
    (await clients.ec2()).send(new DescribeInstanceTypesCommand({InstanceTypes: [instanceType as _InstanceType]}), sendOptions(signal)).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'InvalidInstanceType') return null
      throw error
    }))
  return answer?.InstanceTypes?.[0]?.VCpuInfo?.DefaultVCpus ?? null
}

async function vcpusInUse(clients: AwsClients, family: QuotaFamily, signal: AbortSignal | undefined): Promise<number> {
  const {paginateDescribeInstances} = await import('@aws-sdk/client-ec2')
  const client = await clients.ec2()
  return callAws('ec2:DescribeInstances', signal, async () => {
    let sum = 0
    for await (const page of paginateDescribeInstances({client, pageSize: 1000}, {Filters: [{Name: 'instance-state-name', Values: ['pending', 'running']}]}, sendOptions(signal))) {
      for (const instance of (page.Reservations ?? []).flatMap(({Instances = []}) => Instances)) {
        if (quotaFamilyOf(instance.InstanceType ?? '') !== family || instance.InstanceLifecycle === 'spot') continue
        sum += (instance.CpuOptions?.CoreCount ?? 0) * (instance.CpuOptions?.ThreadsPerCore ?? 1)
      }
    }
    return sum
  })
}

async function quota(clients: AwsClients, family: QuotaFamily, signal: AbortSignal | undefined): Promise<number> {
  const {GetServiceQuotaCommand} = await import('@aws-sdk/client-service-quotas')
  const answer = await callAws('servicequotas:GetServiceQuota', signal, async () =>
    (await clients.quotas()).send(new GetServiceQuotaCommand({ServiceCode: 'ec2', QuotaCode: family.code}), sendOptions(signal)))
  return answer.Quota?.Value ?? 0
}
