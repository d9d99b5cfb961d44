/** The IAM action and resource of requests to services that do not say it themselves. */

import type {ConditionContext} from './conditions.js'
import type {WireRequest} from './types.js'
import type {World} from './world.js'

export interface Permission {
  readonly action: string
  readonly resource: string
  readonly context?: ConditionContext
}

/** All of these are needed. `ids`: the instances that the request names. */
export function defaultPermissions(request: WireRequest, ids: readonly string[], world: World): readonly Permission[] {
  if (request.service === 'ec2' && (request.operation === 'CreateTags' || request.operation === 'DeleteTags')) return tagging(request, world)
  return [{action: `${request.service}:${request.operation}`, resource: resourceOf(request, ids, world)}]
}

/** Each resource by itself, with its present tags. */
function tagging({body, operation, region}: WireRequest, world: World): readonly Permission[] {
  const form = [...new URLSearchParams(body.toString())]
  const tagKeys = form.filter(([name]) => /^Tag\.\d+\.Key$/.test(name)).map(([, key]) => key)
  return form.filter(([name]) => name.startsWith('ResourceId.')).map(([, id]) => {
    const kind = TAGGED[id.split('-')[0] ?? ''] ?? '*'
    const tags = [...(world.instances.get(id)?.tags ?? [])].map(([key, value]) => [`aws:ResourceTag/${key}`, [value]] as const)
    return {action: `ec2:${operation}`, resource: `arn:aws:ec2:${region}:${world.account}:${kind}/${id}`, context: {...Object.fromEntries(tags), 'aws:TagKeys': tagKeys}}
  })
}

const TAGGED: Readonly<Record<string, string>> = {i: 'instance', sg: 'security-group', sir: 'spot-instances-request', snap: 'snapshot', vol: 'volume'}

function resourceOf({service, operation, region, body}: WireRequest, [id]: readonly string[], {account}: World): string {
  switch (service) {
    case 'ec2':
      if (operation.startsWith('Describe')) return '*'
      return `arn:aws:ec2:${region}:${account}:instance/${operation === 'RunInstances' ? '*' : (id ?? '*')}`
    case 'ssm':
      return id === undefined ? `arn:aws:ssm:${region}:${account}:*` : `arn:aws:ec2:${region}:${account}:instance/${id}`
    case 'iam': {
      const form = new URLSearchParams(body.toString())
      const profile = form.get('InstanceProfileName')
      const role = form.get('RoleName')
      if (profile !== null) return `instance profile ${profile}`
      return role === null ? '*' : `role ${role}`
    }
    case 'pricing':
    case 's3':
    case 'servicequotas':
    case 'sts':
      return '*'
  }
}
