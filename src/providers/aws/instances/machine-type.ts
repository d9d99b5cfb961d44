import type {InstanceTypeInfo} from '@aws-sdk/client-ec2'

import {isRunctlError, RunctlError} from '../../../model/errors.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import {awsErrorName} from './until-visible.js'

export type Architecture = 'arm64' | 'x86_64'

/** What of an instance type decides about its image. */
export interface MachineType {
  readonly name: string
  readonly architecture: Architecture
  readonly hasNvidiaGpu: boolean
  /** It may use more than its share of a CPU, and AWS then bills that on top of the price, unless the account has chosen otherwise. */
  readonly billsCredits: boolean
  /** `2 vCPU, 4 GiB` */
  readonly summary: string
}

/** Rejects with `bad_input` where the region does not have the type. */
export async function findMachineType(clients: AwsClients, name: string, signal: AbortSignal | undefined): Promise<MachineType> {
  const [ec2, {DescribeInstanceTypesCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  try {
    const command = new DescribeInstanceTypesCommand({InstanceTypes: [name as NonNullable<InstanceTypeInfo['InstanceType']>]})
    const {InstanceTypes} = await callAws('ec2:DescribeInstanceTypes', signal, () => ec2.send(command, sendOptions(signal)))
    const info = InstanceTypes?.[0]
    if (info) return asMachineType(name, info)
  } catch (error) {
    if (!isRunctlError(error) || !/^Invalid(InstanceType|ParameterValue)/.test(awsErrorName(error))) throw error
  }
  throw new RunctlError('bad_input', `there is no instance type ${name} in ${await clients.region()}`, {
    next: ['runctl aws create --type t3.medium', `aws ec2 describe-instance-type-offerings --filters Name=instance-type,Values=${name.split('.')[0] ?? ''}.*`],
  })
}

function asMachineType(name: string, {BurstablePerformanceSupported, GpuInfo, MemoryInfo, ProcessorInfo, VCpuInfo}: InstanceTypeInfo): MachineType {
  const gpus = GpuInfo?.Gpus ?? []
  const gpuWords = gpus.map(({Count, Manufacturer, Name}) => `, ${Count ?? 1} × ${Manufacturer ?? ''} ${Name ?? 'GPU'}`).join('')
  return {
    name,
    architecture: ProcessorInfo?.SupportedArchitectures?.includes('arm64') ? 'arm64' : 'x86_64',
    hasNvidiaGpu: gpus.some(({Manufacturer}) => Manufacturer?.toLowerCase() === 'nvidia'),
    // T2 alone slows down instead.
    billsCredits: BurstablePerformanceSupported === true && !name.startsWith('t2.'),
    summary: `${VCpuInfo?.DefaultVCpus ?? '?'} vCPU, ${(MemoryInfo?.SizeInMiB ?? 0) / 1024} GiB${gpuWords}`,
  }
}
