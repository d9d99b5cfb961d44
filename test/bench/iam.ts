/** IAM: roles, their policies, and instance profiles. */

import * as model from '@aws-sdk/client-iam'

import {managedPolicyExists, type PolicyDocument, policyName} from './policies.js'
import {type Handler, QueryService} from './query-protocol.js'
import {ServiceError, type WireRequest} from './types.js'
import {type InstanceProfile, newId, type Role, type World} from './world.js'

export function createIam(world: World): QueryService {
  return new QueryService({name: 'iam', model: {...model}, handlers: {...roleHandlers(world), ...policyHandlers(world), ...profileHandlers(world)}})
}

const NAME = /^[\w+=,.@-]{1,128}$/

function checkName(name = '', field: string): string {
  if (!NAME.test(name)) throw new ServiceError('ValidationError', `The specified value for ${field} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`)
  return name
}

function findRole(world: World, name = ''): Role {
  const role = world.roles.get(name)
  if (role === undefined) throw new ServiceError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404)
  return role
}

function findProfile(world: World, name = ''): InstanceProfile {
  const profile = world.instanceProfiles.get(name)
  if (profile === undefined) throw new ServiceError('NoSuchEntity', `Instance Profile ${name} cannot be found.`, 404)
  return profile
}

function exists(kind: string, name: string): ServiceError {
  return new ServiceError('EntityAlreadyExists', `${kind} with name ${name} already exists.`, 409)
}

function tagsOf(tags: readonly model.Tag[] | undefined): Map<string, string> {
  return new Map((tags ?? []).map(({Key = '', Value = ''}) => [Key, Value]))
}

function roleHandlers(world: World): Record<string, Handler> {
  return {
    CreateRole: (input: model.CreateRoleRequest) => {
      const name = checkName(input.RoleName, 'roleName')
      if (world.roles.has(name)) throw exists('Role', name)
      const trust = input.AssumeRolePolicyDocument ?? ''
      parsePolicy(trust)
      const role: Role = {
        name, trust,
        arn: `arn:aws:iam::${world.account}:role/${name}`,
        id: newId('AROA', 17),
        createdAt: world.now(),
        description: input.Description ?? '',
        inline: new Map(),
        attached: new Set(),
        tags: tagsOf(input.Tags),
      }
      world.roles.set(name, role)
      return {Role: roleAnswer(role)}
    },
    GetRole: ({RoleName}: model.GetRoleRequest) => ({Role: roleAnswer(findRole(world, RoleName))}),
    ListRoles: () => ({Roles: [...world.roles.values()].map(roleAnswer), IsTruncated: false}),
    DeleteRole: ({RoleName}: model.DeleteRoleRequest) => {
      const role = findRole(world, RoleName)
      const used = [...world.instanceProfiles.values()].some(({roles}) => roles.includes(role.name))
      if (used || role.inline.size + role.attached.size > 0) throw new ServiceError('DeleteConflict', 'Cannot delete entity, must detach all policies and remove it from instance profiles first.', 409)
      world.roles.delete(role.name)
      return {}
    },
    TagRole: ({RoleName, Tags}: model.TagRoleRequest) => {
      const role = findRole(world, RoleName)
      for (const [key, value] of tagsOf(Tags)) role.tags.set(key, value)
      return {}
    },
    ListRoleTags: ({RoleName}: model.ListRoleTagsRequest) => ({Tags: tagAnswer(findRole(world, RoleName).tags), IsTruncated: false}),
  }
}

function roleAnswer(role: Role): model.Role {
  return {
    Path: '/', RoleName: role.name, RoleId: role.id, Arn: role.arn, CreateDate: role.createdAt, Description: role.description,
    AssumeRolePolicyDocument: encodeURIComponent(role.trust), MaxSessionDuration: 3600, Tags: tagAnswer(role.tags),
  }
}

function tagAnswer(tags: ReadonlyMap<string, string>): model.Tag[] {
  return [...tags].map(([Key, Value]) => ({Key, Value}))
}

function policyHandlers(world: World): Record<string, Handler> {
  return {
    PutRolePolicy: ({RoleName, PolicyName, PolicyDocument}: model.PutRolePolicyRequest) => {
      findRole(world, RoleName).inline.set(checkName(PolicyName, 'policyName'), parsePolicy(PolicyDocument ?? ''))
      return {}
    },
    GetRolePolicy: ({RoleName, PolicyName = ''}: model.GetRolePolicyRequest) => {
      const document = findRole(world, RoleName).inline.get(PolicyName)
      if (document === undefined) throw new ServiceError('NoSuchEntity', `The role policy with name ${PolicyName} cannot be found.`, 404)
      return {RoleName, PolicyName, PolicyDocument: encodeURIComponent(JSON.stringify(document))}
    },
    ListRolePolicies: ({RoleName}: model.ListRolePoliciesRequest) => ({PolicyNames: [...findRole(world, RoleName).inline.keys()], IsTruncated: false}),
    DeleteRolePolicy: ({RoleName, PolicyName = ''}: model.DeleteRolePolicyRequest) => {
      if (!findRole(world, RoleName).inline.delete(PolicyName)) throw new ServiceError('NoSuchEntity', `The role policy with name ${PolicyName} cannot be found.`, 404)
      return {}
    },
    AttachRolePolicy: ({RoleName, PolicyArn = ''}: model.AttachRolePolicyRequest) => {
      const role = findRole(world, RoleName)
      if (!managedPolicyExists(PolicyArn)) throw new ServiceError('NoSuchEntity', `Policy ${PolicyArn} does not exist or is not attachable.`, 404)
      role.attached.add(PolicyArn)
      return {}
    },
    DetachRolePolicy: ({RoleName, PolicyArn = ''}: model.DetachRolePolicyRequest) => {
      if (!findRole(world, RoleName).attached.delete(PolicyArn)) throw new ServiceError('NoSuchEntity', `Policy ${PolicyArn} was not found.`, 404)
      return {}
    },
    ListAttachedRolePolicies: ({RoleName}: model.ListAttachedRolePoliciesRequest) => ({
      AttachedPolicies: [...findRole(world, RoleName).attached].map((PolicyArn) => ({PolicyName: policyName(PolicyArn), PolicyArn})),
      IsTruncated: false,
    }),
    SimulatePrincipalPolicy: (input: model.SimulatePrincipalPolicyRequest, request) => simulate(world, input, request),
  }
}

function parsePolicy(text: string): PolicyDocument {
  try {
    const document = JSON.parse(text) as Partial<PolicyDocument> | null
    if (typeof document === 'object' && document?.Statement !== undefined) return document as PolicyDocument
  } catch {}
  throw new ServiceError('MalformedPolicyDocument', 'Syntax errors in policy.')
}

function simulate(world: World, input: model.SimulatePrincipalPolicyRequest, {principal}: WireRequest): model.SimulatePolicyResponse {
  const arn = input.PolicySourceArn ?? ''
  const role = [...world.roles.values()].find((candidate) => candidate.arn === arn)
  const user = [...world.accessKeys.values()].find((key) => key.principal.arn === arn)?.principal ?? (principal?.arn === arn ? principal : undefined)
  if (role === undefined && user === undefined) throw new ServiceError('NoSuchEntity', `The principal ${arn} cannot be found.`, 404)
  const simulated = user ?? {kind: 'role' as const, arn, userId: role?.id ?? '', roleName: role?.name ?? ''}
  const resources = input.ResourceArns ?? ['*']
  const results = (input.ActionNames ?? []).flatMap((EvalActionName) =>
    resources.map((EvalResourceName) => ({
      EvalActionName,
      EvalResourceName,
      EvalDecision: world.isAllowed(simulated, EvalActionName, EvalResourceName) ? ('allowed' as const) : ('implicitDeny' as const),
    })),
  )
  return {EvaluationResults: results, IsTruncated: false}
}

function profileHandlers(world: World): Record<string, Handler> {
  const answer = (profile: InstanceProfile): model.InstanceProfile => ({
    Path: '/', InstanceProfileName: profile.name, InstanceProfileId: profile.id, Arn: profile.arn, CreateDate: profile.createdAt,
    Roles: profile.roles.flatMap((name) => world.roles.get(name) ?? []).map(roleAnswer), Tags: tagAnswer(profile.tags),
  })
  return {
    CreateInstanceProfile: (input: model.CreateInstanceProfileRequest) => {
      const name = checkName(input.InstanceProfileName, 'instanceProfileName')
      if (world.instanceProfiles.has(name)) throw new ServiceError('EntityAlreadyExists', `Instance Profile ${name} already exists.`, 409)
      const arn = `arn:aws:iam::${world.account}:instance-profile/${name}`
      const profile: InstanceProfile = {name, arn, id: newId('AIPA', 17), createdAt: world.now(), roles: [], tags: tagsOf(input.Tags)}
      world.instanceProfiles.set(name, profile)
      return {InstanceProfile: answer(profile)}
    },
    GetInstanceProfile: ({InstanceProfileName}: model.GetInstanceProfileRequest) => ({InstanceProfile: answer(findProfile(world, InstanceProfileName))}),
    ListInstanceProfiles: () => ({InstanceProfiles: [...world.instanceProfiles.values()].map(answer), IsTruncated: false}),
    DeleteInstanceProfile: ({InstanceProfileName}: model.DeleteInstanceProfileRequest) => {
      const profile = findProfile(world, InstanceProfileName)
      if (profile.roles.length > 0) throw new ServiceError('DeleteConflict', 'Cannot delete entity, must remove roles from instance profile first.', 409)
      world.instanceProfiles.delete(profile.name)
      return {}
    },
    AddRoleToInstanceProfile: ({InstanceProfileName, RoleName}: model.AddRoleToInstanceProfileRequest) => {
      const profile = findProfile(world, InstanceProfileName)
      const role = findRole(world, RoleName)
      if (profile.roles.length > 0) throw new ServiceError('LimitExceeded', 'Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1', 409)
      profile.roles.push(role.name)
      return {}
    },
    RemoveRoleFromInstanceProfile: ({InstanceProfileName, RoleName}: model.RemoveRoleFromInstanceProfileRequest) => {
      const profile = findProfile(world, InstanceProfileName)
      const index = profile.roles.indexOf(findRole(world, RoleName).name)
      if (index === -1) throw new ServiceError('NoSuchEntity', `Role ${RoleName ?? ''} is not in the instance profile.`, 404)
      profile.roles.splice(index, 1)
      return {}
    },
  }
}
