import type {BlockDeviceMapping, RunInstancesCommandInput, TagSpecification} from '@aws-sdk/client-ec2'

import {RunctlError} from '../../../model/errors.js'
import type {FirstLimits} from '../../provider.js'
import {userData} from '../self-stop/user-data.js'
import type {LaunchWish} from './create-options.js'
import type {MachineImage} from './machine-image.js'
import type {Network} from './network.js'
import {asTagList} from './tags.js'

/** Amazon Linux comes with 8 GiB, which one framework with its CUDA libraries fills. */
const LEAST_ROOT_GIB = 30
const DATA_DEVICE = '/dev/sdf'

/** Everything that is settled of a new instance but where it goes and how it is paid. */
export interface Launch {
  readonly wish: LaunchWish
  readonly image: MachineImage
  readonly network: Network
  readonly tags: Readonly<Record<string, string>>
  /** null: none, and no user data then. */
  readonly limits: FirstLimits | null
}

/** One attempt to get it. */
export interface Attempt {
  readonly clientToken: string
  /** null: EC2 chooses. */
  readonly subnet: string | null
  readonly spot: boolean
}

/** GiB of the root volume. Throws `bad_input` where less is wanted than the image needs. */
export function rootGib({image, wish}: Pick<Launch, 'image' | 'wish'>): number {
  if (wish.rootGib === null) return Math.max(image.rootGib, LEAST_ROOT_GIB)
  if (wish.rootGib >= image.rootGib) return wish.rootGib
  throw new RunctlError('bad_input', `the image ${image.id} (${image.name}) needs a root volume of ${image.rootGib} GiB; ${wish.rootGib} are too few`, {
    next: [`runctl aws create --root-gib ${image.rootGib}`],
  })
}

export function launchInput(launch: Launch, {clientToken, spot, subnet}: Attempt): RunInstancesCommandInput {
  const {image, limits, network, tags, wish} = launch
  return {
    MinCount: 1,
    MaxCount: 1,
    ClientToken: clientToken,
    ImageId: image.id,
    InstanceType: wish.instanceType as NonNullable<RunInstancesCommandInput['InstanceType']>,
    BlockDeviceMappings: disks(launch),
    MetadataOptions: {HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 2},
    IamInstanceProfile: wish.instanceProfile.startsWith('arn:') ? {Arn: wish.instanceProfile} : {Name: wish.instanceProfile},
    TagSpecifications: tagSpecifications(tags, spot),
    ...(network.securityGroups.length > 0 ? {SecurityGroupIds: [...network.securityGroups]} : {}),
    ...(wish.keyName === null ? {} : {KeyName: wish.keyName}),
    ...(subnet === null ? {} : {SubnetId: subnet}),
    ...(limits === null ? {} : {UserData: Buffer.from(userData(limits)).toString('base64')}),
    // A one-time spot instance cannot be stopped, from within either.
    ...(spot ? {InstanceMarketOptions: spotOptions(wish), InstanceInitiatedShutdownBehavior: 'terminate' as const} : {InstanceInitiatedShutdownBehavior: 'stop' as const}),
  }
}

function disks({image, wish}: Launch): BlockDeviceMapping[] {
  const disk = (DeviceName: string, VolumeSize: number): BlockDeviceMapping =>
    ({DeviceName, Ebs: {VolumeSize, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true}})
  return [disk(image.rootDevice, rootGib({image, wish})), ...(wish.dataGib === null ? [] : [disk(DATA_DEVICE, wish.dataGib)])]
}

/** An instance or a disk without tags is an orphan that nobody dares to remove. */
function tagSpecifications(tags: Readonly<Record<string, string>>, spot: boolean): TagSpecification[] {
  const types = ['instance', 'volume', ...(spot ? ['spot-instances-request'] : [])] as NonNullable<TagSpecification['ResourceType']>[]
  return types.map(ResourceType => ({ResourceType, Tags: asTagList(tags)}))
}

const spotOptions = ({spot}: LaunchWish): RunInstancesCommandInput['InstanceMarketOptions'] => ({
  MarketType: 'spot',
  SpotOptions: {
    SpotInstanceType: 'one-time',
    InstanceInterruptionBehavior: 'terminate',
    ...(spot?.maxPrice ? {MaxPrice: spot.maxPrice} : {}),
  },
})
