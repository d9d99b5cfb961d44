import {RunctlError} from '../../../model/errors.js'
import type {CreateInstanceRequest, CreateOption} from '../../provider.js'
import type {AwsSettings} from './aws-settings.js'

/** What is wanted of a new instance, from the request's options and the settings. null: to be found out. */
export interface LaunchWish extends Omit<AwsSettings, 'bucket'> {
  readonly dataGib: number | null
  readonly spot: SpotWish | null
}

export interface SpotWish {
  /** US dollars an hour, as AWS takes it; null: up to the on-demand price. */
  readonly maxPrice: string | null
  readonly fallback: 'none' | 'on-demand'
}

const NAMES = [
  'ami', 'data-volume', 'instance-profile', 'key-name', 'root-gib', 'security-group', 'spot', 'spot-fallback', 'spot-max-price', 'subnet', 'zone',
]
/** What EC2 takes for a gp3 volume. */
const LARGEST_GIB = 65_536

/** Throws `bad_input` for what is unknown, of the wrong form, or contradicts itself. */
export function readLaunchWish(request: Pick<CreateInstanceRequest, 'instanceType' | 'options'>, settings: AwsSettings): LaunchWish {
  const options = request.options ?? {}
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) throw bad(`the platform aws has no option --${name}; it has ${NAMES.map(known => `--${known}`).join(', ')}`)
  }
  const text = (name: string, pattern: RegExp, form: string, fallback: string | null): string | null => {
    const value = options[name] ?? fallback
    if (value === null) return null
    if (typeof value === 'string' && pattern.test(value)) return value
    throw bad(`--${name} must be ${form}, not ${JSON.stringify(value)}`)
  }
  const subnet = text('subnet', /^subnet-[0-9a-f]{8,17}$/, 'the id of a subnet (subnet-…)', options['zone'] === undefined ? settings.subnet : null)
  const zone = text('zone', /^[a-z]{2}[a-z0-9-]*-\d[a-z]$|^[a-z]{2}-[a-z0-9-]{3,40}$/, 'the name of an availability zone (us-east-1a)', options['subnet'] === undefined ? settings.zone : null)
  if (options['subnet'] !== undefined && options['zone'] !== undefined) throw bad('--subnet lies in one zone; leave out --zone')
  return {
    instanceType: instanceType(request.instanceType ?? settings.instanceType),
    ami: text('ami', /^ami-([0-9a-f]{8}|[0-9a-f]{17})$/, 'the id of an image (ami-…)', settings.ami),
    subnet,
    zone: subnet === null ? zone : null,
    securityGroups: groups(options['security-group']) ?? groups(settings.securityGroups ?? undefined),
    keyName: text('key-name', /^[\x20-\x7e]{1,255}$/, 'the name of a key pair', settings.keyName),
    instanceProfile: text('instance-profile', /^([\w+=,.@-]{1,128}|arn:aws[\w-]*:iam::\d{12}:instance-profile\/[\w+=,.@/-]{1,512})$/, 'the name or ARN of an instance profile', settings.instanceProfile) ?? settings.instanceProfile,
    rootGib: gib('root-gib', options['root-gib']) ?? settings.rootGib,
    dataGib: gib('data-volume', options['data-volume']),
    spot: spotWish(options),
  }
}

function instanceType(type: string): string {
  if (/^[a-z0-9-]{1,20}\.[a-z0-9-]{1,20}$/.test(type)) return type
  throw bad(`${JSON.stringify(type)} is not an EC2 instance type such as t3.medium or g5.xlarge`)
}

function groups(value: CreateOption | undefined): readonly string[] | null {
  if (value === undefined) return null
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const ids = list.filter(id => typeof id === 'string').filter(id => /^sg-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id))
  if (ids.length > 0 && ids.length === list.length) return ids
  throw bad(`--security-group takes ids of security groups (sg-…), not ${JSON.stringify(value)}`)
}

function gib(name: string, value: CreateOption | undefined): number | null {
  if (value === undefined) return null
  const size = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (typeof size === 'number' && Number.isInteger(size) && size >= 1 && size <= LARGEST_GIB) return size
  throw bad(`--${name} must be a whole number of GiB from 1 to ${LARGEST_GIB}, not ${JSON.stringify(value)}`)
}

function spotWish(options: Readonly<Record<string, CreateOption>>): SpotWish | null {
  const {spot = false, 'spot-fallback': fallback = 'none', 'spot-max-price': price} = options
  if (typeof spot !== 'boolean') throw bad('--spot takes no value')
  if (!spot) {
    const orphan = ['spot-fallback', 'spot-max-price'].find(name => options[name] !== undefined)
    if (orphan !== undefined) throw bad(`--${orphan} needs --spot`)
    return null
  }
  if (fallback !== 'none' && fallback !== 'on-demand') throw bad(`--spot-fallback is on-demand or none, not ${JSON.stringify(fallback)}`)
  if (price === undefined) return {maxPrice: null, fallback}
  const isPrice = /^\d{1,4}(\.\d{1,5})?$/.test(String(price)) && Number(price) > 0
  if (!isPrice) throw bad(`--spot-max-price must be US dollars an hour such as 0.35, not ${JSON.stringify(price)}`)
  return {maxPrice: String(price), fallback}
}

const bad = (message: string): RunctlError => new RunctlError('bad_input', message, {next: ['runctl aws create --help']})
