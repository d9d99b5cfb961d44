import {RunctlError} from '../../../model/errors.js'

/** The section `[aws]` of the configuration. null: not set. */
export interface AwsSettings {
  readonly bucket: string | null
  readonly instanceType: string
  readonly ami: string | null
  readonly subnet: string | null
  readonly zone: string | null
  readonly securityGroups: readonly string[] | null
  readonly keyName: string | null
  readonly instanceProfile: string
  readonly rootGib: number | null
}

/**
 * In every region and zone, without a quota request, with the memory that installing a framework needs, for ten cents an hour. Not a t type: those bill
 * CPU credits on top where they compute without a pause, so that the price shown would not be the price.
 */
const DEFAULT_INSTANCE_TYPE = 'm5.large'
const DEFAULT_INSTANCE_PROFILE = 'runctl-instance'

/** Throws `bad_input` for a value of the wrong kind. */
export function readAwsSettings(settings: Readonly<Record<string, unknown>>): AwsSettings {
  const text = (key: string): string | null => {
    const value = settings[key] ?? null
    if (value === null || value === '') return null
    if (typeof value === 'string') return value
    throw wrongKind(key, 'text')
  }
  for (const key of ['region', 'profile']) text(key)
  return {
    bucket: text('bucket'),
    instanceType: text('instance_type') ?? DEFAULT_INSTANCE_TYPE,
    ami: text('ami'),
    subnet: text('subnet'),
    zone: text('zone'),
    securityGroups: textList(settings['security_groups']),
    keyName: text('key_name'),
    instanceProfile: text('instance_profile') ?? DEFAULT_INSTANCE_PROFILE,
    rootGib: wholeNumber(settings['root_gib']),
  }
}

/** The settings for another region than the configured one, without what exists in that one alone. */
export const elsewhere = (settings: AwsSettings): AwsSettings => ({...settings, ami: null, subnet: null, zone: null, securityGroups: null, keyName: null})

function textList(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return null
  if (!Array.isArray(value) || !value.every(entry => typeof entry === 'string')) throw wrongKind('security_groups', 'a list of ids')
  return value.length === 0 ? null : value
}

function wholeNumber(value: unknown): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
  throw wrongKind('root_gib', 'a whole number of GiB')
}

const wrongKind = (key: string, kind: string): RunctlError =>
  new RunctlError('bad_input', `the setting aws.${key} must be ${kind}`, {next: ['runctl config show', `runctl config set aws.${key} VALUE`]})
