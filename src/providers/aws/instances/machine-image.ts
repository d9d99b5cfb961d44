import type {Image} from '@aws-sdk/client-ec2'

import {isRunctlError, RunctlError} from '../../../model/errors.js'
import {callAws, sendOptions} from '../call-aws.js'
import type {AwsClients} from '../clients.js'
import type {Architecture, MachineType} from './machine-type.js'

/** Public parameters in which AWS keeps the newest image ids of each region. */
export const IMAGE_PARAMETERS = {
  cpu: (architecture: Architecture) => `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
  /** Amazon Linux 2023 with NVIDIA's driver and CUDA. */
  gpu: (architecture: Architecture) => `/aws/service/deeplearning/ami/${architecture}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id`,
} as const

/** NVIDIA's open driver begins with the Turing generation. */
const OLD_GPUS = /^(g2|g3s?|p2|p3|p3dn)\./

export interface MachineImage {
  readonly id: string
  readonly name: string
  readonly architecture: string
  /** `/dev/xvda` on Amazon Linux, `/dev/sda1` on Ubuntu. */
  readonly rootDevice: string
  /** The least that the root volume can have. */
  readonly rootGib: number
}

/** All parameters that any type may need, in one call that runs beside the look-up of the type. */
export async function readImageParameters(clients: AwsClients, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
  const Names = (['arm64', 'x86_64'] as const).flatMap(architecture => [IMAGE_PARAMETERS.cpu(architecture), IMAGE_PARAMETERS.gpu(architecture)])
  const [ssm, {GetParametersCommand}] = await Promise.all([clients.ssm(), import('@aws-sdk/client-ssm')])
  const {Parameters} = await callAws('ssm:GetParameters', signal, () => ssm.send(new GetParametersCommand({Names}), sendOptions(signal)))
  return new Map((Parameters ?? []).flatMap(({Name, Value}) => (Name && Value ? [[Name, Value]] : [])))
}

/** The image for a type where nobody named one. Throws `platform_failed` where the region publishes none. */
export function chooseImage(parameters: ReadonlyMap<string, string>, type: MachineType): string {
  if (OLD_GPUS.test(type.name)) {
    throw new RunctlError('bad_input', `the GPUs of ${type.name} are too old for the driver of the Deep Learning AMI that runctl would choose: name an image`, {
      next: [`runctl aws create --type ${type.name} --ami AMI`, 'runctl aws create --type g5.xlarge'],
    })
  }
  const parameter = IMAGE_PARAMETERS[type.hasNvidiaGpu ? 'gpu' : 'cpu'](type.architecture)
  const id = parameters.get(parameter)
  if (id !== undefined) return id
  throw new RunctlError('platform_failed', `AWS publishes no image under ${parameter} in this region`, {
    next: [`runctl aws create --type ${type.name} --ami AMI`, 'runctl config set aws.ami AMI'],
  })
}

/** Rejects with `bad_input` where there is no such image in the region, or it has no EBS root. */
export async function findImage(clients: AwsClients, id: string, signal: AbortSignal | undefined): Promise<MachineImage> {
  const [ec2, {DescribeImagesCommand}] = await Promise.all([clients.ec2(), import('@aws-sdk/client-ec2')])
  const call = () => ec2.send(new DescribeImagesCommand({ImageIds: [id]}), sendOptions(signal))
  const image = await callAws('ec2:DescribeImages', signal, call).then(
    ({Images}) => Images?.[0],
    (error: unknown) => {
      if (isRunctlError(error) && error.code === 'bad_input') return undefined
      throw error
    },
  )
  if (!image) throw new RunctlError('bad_input', `there is no image ${id} in ${await clients.region()} that this account may use`, {next: ['runctl aws create', 'aws ec2 describe-images --owners self amazon']})
  return asMachineImage(id, image)
}

/** Throws `bad_input` where a type cannot run an image. */
export function checkFits(image: MachineImage, type: MachineType): void {
  if (image.architecture === type.architecture) return
  throw new RunctlError('bad_input', `${type.name} is ${type.architecture}, but the image ${image.id} (${image.name}) is for ${image.architecture}`, {
    next: ['runctl aws create --type TYPE', 'runctl config show'],
  })
}

function asMachineImage(id: string, {Architecture, BlockDeviceMappings, Name, RootDeviceName, RootDeviceType}: Image): MachineImage {
  const size = BlockDeviceMappings?.find(({DeviceName}) => DeviceName === RootDeviceName)?.Ebs?.VolumeSize
  if (RootDeviceName === undefined || RootDeviceType === 'instance-store') {
    throw new RunctlError('bad_input', `the image ${id} has no EBS root volume, so an instance of it cannot be stopped and kept`)
  }
  return {id, name: Name ?? id, architecture: Architecture ?? 'x86_64', rootDevice: RootDeviceName, rootGib: size ?? 1}
}
