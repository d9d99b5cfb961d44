/** The IAM action and resource of requests to services that do not say it themselves. */

import type {WireRequest} from './types.js'
import type {World} from './world.js'

export interface Permission {
  readonly action: string
  readonly resource: string
}

/** `ids`: the instances that the request names. */
export function defaultPermission(request: WireRequest, ids: readonly string[], world: World): Permission {
  return {action: `${request.service}:${request.operation}`, resource: resourceOf(request, ids, world)}
}

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
