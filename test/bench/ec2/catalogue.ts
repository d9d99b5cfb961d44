/** A few real instance types and images, with prices of us-east-1. */

export interface CatalogueType {
  readonly name: string
  readonly vcpus: number
  readonly memoryMib: number
  readonly architecture: 'arm64' | 'x86_64'
  readonly gpu: {readonly name: string; readonly count: number; readonly memoryMib: number} | null
  readonly onDemandUsd: number
  readonly spotUsd: number
  /** Letters of the zones that offer it. */
  readonly zones: string
  /** The EC2 quotas that count its vCPUs. */
  readonly quota: {readonly onDemand: string; readonly spot: string}
  readonly instanceStoreGb: number
}

const STANDARD = {onDemand: 'L-1216C47A', spot: 'L-34B43A08'}
const GRAPHICS = {onDemand: 'L-DB2E81BA', spot: 'L-3819A6DF'}
const P_FAMILY = {onDemand: 'L-417A185B', spot: 'L-7212CCBC'}

const ALL_ZONES = 'abcdf'

function cpu(name: string, vcpus: number, memoryGib: number, onDemandUsd: number, architecture: CatalogueType['architecture'] = 'x86_64'): CatalogueType {
  const spotUsd = Math.round(onDemandUsd * 3500) / 10_000
  return {name, vcpus, memoryMib: memoryGib * 1024, architecture, gpu: null, onDemandUsd, spotUsd, zones: ALL_ZONES, quota: STANDARD, instanceStoreGb: 0}
}

type GpuFacts = Omit<CatalogueType, 'architecture' | 'memoryMib' | 'zones'> & {readonly memoryGib: number; readonly zones?: string}

function accelerated({memoryGib, ...facts}: GpuFacts): CatalogueType {
  return {architecture: 'x86_64', zones: 'abcd', memoryMib: memoryGib * 1024, ...facts}
}

export const INSTANCE_TYPES: ReadonlyMap<string, CatalogueType> = new Map(
  [
    cpu('t3.micro', 2, 1, 0.0104),
    cpu('t3.small', 2, 2, 0.0208),
    cpu('t3.medium', 2, 4, 0.0416),
    cpu('t3.large', 2, 8, 0.0832),
    cpu('m5.large', 2, 8, 0.096),
    cpu('m5.xlarge', 4, 16, 0.192),
    cpu('c5.xlarge', 4, 8, 0.17),
    cpu('t4g.small', 2, 2, 0.0168, 'arm64'),
    cpu('c7g.xlarge', 4, 8, 0.145, 'arm64'),
    accelerated({name: 'g4dn.xlarge', vcpus: 4, memoryGib: 16, gpu: {name: 'T4', count: 1, memoryMib: 16_384}, onDemandUsd: 0.526, spotUsd: 0.1578, quota: GRAPHICS, instanceStoreGb: 125}),
    accelerated({name: 'g5.xlarge', vcpus: 4, memoryGib: 16, gpu: {name: 'A10G', count: 1, memoryMib: 24_576}, onDemandUsd: 1.006, spotUsd: 0.4521, quota: GRAPHICS, instanceStoreGb: 250}),
    accelerated({name: 'p3.2xlarge', vcpus: 8, memoryGib: 61, gpu: {name: 'V100', count: 1, memoryMib: 16_384}, onDemandUsd: 3.06, spotUsd: 0.918, quota: P_FAMILY, instanceStoreGb: 0}),
    accelerated({name: 'p4d.24xlarge', vcpus: 96, memoryGib: 1152, gpu: {name: 'A100', count: 8, memoryMib: 40_960}, onDemandUsd: 32.7726, spotUsd: 12.19, quota: P_FAMILY, instanceStoreGb: 8000, zones: 'ab'}),
  ].map((type) => [type.name, type]),
)

export interface CatalogueImage {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly ownerId: string
  readonly architecture: CatalogueType['architecture']
  readonly rootDevice: '/dev/sda1' | '/dev/xvda'
  readonly rootGib: number
  readonly createdAt: string
  /** The SSM public parameters whose value is this image's id. */
  readonly parameters: readonly string[]
}

const AMAZON = '137112412989'
const DEEP_LEARNING = '898082745236'
const CANONICAL = '099720109477'
const AL2023 = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default'
const DLAMI = '/aws/service/deeplearning/ami'

function al2023(id: string, architecture: CatalogueType['architecture']): CatalogueImage {
  return {
    id, architecture,
    name: `al2023-ami-2023.9.20261105.0-kernel-6.1-${architecture}`,
    description: `Amazon Linux 2023 AMI 2023.9.20261105.0 ${architecture} HVM kernel-6.1`,
    ownerId: AMAZON,
    rootDevice: '/dev/xvda',
    rootGib: 8,
    createdAt: '2026-11-05T19:00:00.000Z',
    parameters: [`${AL2023}-${architecture}`, `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-${architecture}`],
  }
}

function deepLearning(id: string, title: string, architecture: CatalogueType['architecture'], parameter: string, rootDevice: CatalogueImage['rootDevice']): CatalogueImage {
  return {
    id, architecture, rootDevice,
    name: `${title} 20261108`,
    description: `Supported EC2 instances: G4dn, G5, G6, P4d, P5. ${title}`,
    ownerId: DEEP_LEARNING,
    rootGib: 75,
    createdAt: '2026-11-08T10:00:00.000Z',
    parameters: [`${DLAMI}/${architecture}/${parameter}/latest/ami-id`],
  }
}

function ubuntu(id: string, architecture: CatalogueType['architecture']): CatalogueImage {
  const letters = architecture === 'arm64' ? 'arm64' : 'amd64'
  return {
    id, architecture,
    name: `ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-${letters}-server-20261101`,
    description: `Canonical, Ubuntu, 22.04 LTS, ${letters} jammy image`,
    ownerId: CANONICAL,
    rootDevice: '/dev/sda1',
    rootGib: 8,
    createdAt: '2026-11-01T04:00:00.000Z',
    parameters: [`/aws/service/canonical/ubuntu/server/22.04/stable/current/${letters}/hvm/ebs-gp2/ami-id`],
  }
}

export const IMAGES: ReadonlyMap<string, CatalogueImage> = new Map(
  [
    al2023('ami-0a1f2e3d4c5b60001', 'x86_64'),
    al2023('ami-0a1f2e3d4c5b60002', 'arm64'),
    deepLearning('ami-0d1e2e3d4c5b60011', 'Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)', 'x86_64', 'base-oss-nvidia-driver-gpu-ubuntu-22.04', '/dev/sda1'),
    deepLearning('ami-0d1e2e3d4c5b60012', 'Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023)', 'x86_64', 'base-oss-nvidia-driver-gpu-amazon-linux-2023', '/dev/xvda'),
    deepLearning('ami-0d1e2e3d4c5b60013', 'Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Ubuntu 22.04)', 'x86_64', 'oss-nvidia-driver-gpu-pytorch-2.7-ubuntu-22.04', '/dev/sda1'),
    deepLearning('ami-0d1e2e3d4c5b60014', 'Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Amazon Linux 2023)', 'x86_64', 'oss-nvidia-driver-gpu-pytorch-2.7-amazon-linux-2023', '/dev/xvda'),
    deepLearning('ami-0d1e2e3d4c5b60015', 'Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)', 'arm64', 'base-oss-nvidia-driver-gpu-ubuntu-22.04', '/dev/sda1'),
    deepLearning('ami-0d1e2e3d4c5b60016', 'Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Amazon Linux 2023)', 'arm64', 'base-oss-nvidia-driver-gpu-amazon-linux-2023', '/dev/xvda'),
    ubuntu('ami-0b1f2e3d4c5b60021', 'x86_64'),
    ubuntu('ami-0b1f2e3d4c5b60022', 'arm64'),
  ].map((image) => [image.id, image]),
)
