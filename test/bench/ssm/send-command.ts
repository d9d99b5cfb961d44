/** SendCommand's request: everything that AWS refuses before anything is sent. */

import {randomUUID} from 'node:crypto'

import {type BenchInstance, ServiceError} from '../types.js'
import {type Command, Invocation, type Target} from './command.js'
import {type Input, integerBetween, invalid, objectList, optionalString, refuseFields, requiredString, stringList} from './input.js'

const DOCUMENT = 'AWS-RunShellScript'
const PARAMETERS = ['commands', 'executionTimeout', 'workingDirectory']
const MAX_INSTANCES = 50
const MAX_TARGETS = 5
const MAX_COMMENT = 100
/** Of the parameters, as JSON. */
const MAX_PAYLOAD_BYTES = 32 * 1024
const DEFAULT_TIMEOUT_S = 3600
const EXECUTION_TIMEOUT_S = [5, 172_800] as const
const UNSUPPORTED = ['AlarmConfiguration', 'CloudWatchOutputConfig', 'NotificationConfig', 'OutputS3BucketName', 'OutputS3KeyPrefix', 'ServiceRoleArn']

export interface Fleet {
  readonly instances: ReadonlyMap<string, BenchInstance>
  /** It is one of SSM's managed nodes: it has registered, has the rights and is not terminated. */
  isManaged(instance: BenchInstance): boolean
}

/** @throws ServiceError for what AWS refuses */
export function readCommand(input: Input, fleet: Fleet, requestedAt: Date, doubled: boolean): Command {
  refuseFields(input, UNSUPPORTED)
  const documentName = requiredString(input, 'DocumentName')
  if (documentName !== DOCUMENT) throw new ServiceError('InvalidDocument', `Document with name ${documentName} does not exist.`)
  const comment = optionalString(input, 'Comment') ?? ''
  if (comment.length > MAX_COMMENT) invalid(`Value '${comment}' at 'comment' failed to satisfy constraint: Member must have length less than or equal to ${MAX_COMMENT}`)
  const parameters = readParameters(input)
  const targets = objectList(input, 'Targets').map(readTarget)
  const instanceIds = stringList(input, 'InstanceIds')
  const base = {
    id: randomUUID(),
    comment,
    documentName,
    parameters,
    instanceIds,
    targets,
    script: (parameters['commands'] ?? []).join('\n'),
    deliveryTimeoutS: integerBetween(input, 'TimeoutSeconds', 30, 2_592_000, DEFAULT_TIMEOUT_S),
    executionTimeoutS: executionTimeout(parameters),
    maxConcurrency: rate(input, 'MaxConcurrency', '50', 1),
    maxErrors: rate(input, 'MaxErrors', '0', 0),
    requestedAt,
    doubled,
  }
  const ids = addressees(instanceIds, targets, fleet)
  return {...base, invocations: new Map(ids.map((id) => [id, new Invocation(base, id)]))}
}

function readParameters(input: Input): Record<string, string[]> {
  const given = (input['Parameters'] ?? {}) as Input
  if (typeof given !== 'object' || Array.isArray(given)) invalid("Value at 'parameters' is not a map")
  if (Buffer.byteLength(JSON.stringify(given)) > MAX_PAYLOAD_BYTES) {
    throw new ServiceError('ValidationException', 'Parameters exceed the maximum size of 32768 bytes.')
  }
  const parameters = Object.fromEntries(Object.keys(given).map((name) => [name, stringList(given, name)]))
  const unknown = Object.keys(parameters).filter((name) => !PARAMETERS.includes(name))
  if (unknown.length > 0) throw new ServiceError('InvalidParameters', `${unknown.join(', ')}: not a parameter of the document ${DOCUMENT}`)
  if (parameters['commands'] === undefined) throw new ServiceError('InvalidParameters', 'The parameter commands is required.')
  if (parameters['workingDirectory'] !== undefined) throw new ServiceError('InternalServerError', 'the bench does not know workingDirectory', 500)
  // Braces are parameter syntax, also within a script; what they name is no parameter of the document.
  const reference = /\{\{\s*([\w:.-]+)\s*\}\}/.exec(Object.values(parameters).flat().join('\n'))
  if (reference !== null) throw new ServiceError('InvalidParameters', `The parameter ${reference[1] ?? ''} could not be resolved.`)
  return parameters
}

/** Out of bounds it is not refused: the agent takes its default. */
function executionTimeout(parameters: Readonly<Record<string, readonly string[]>>): number {
  const text = parameters['executionTimeout']?.[0]
  if (text === undefined) return DEFAULT_TIMEOUT_S
  if (!/^(?:[1-9]\d{0,4}|1[0-6]\d{4}|17[01]\d{3}|172[0-7]\d{2}|172800)$/.test(text)) {
    throw new ServiceError('InvalidParameters', `Parameter "executionTimeout" value "${text}" does not match the allowed pattern.`)
  }
  const [least, most] = EXECUTION_TIMEOUT_S
  const seconds = Number(text)
  return seconds >= least && seconds <= most ? seconds : DEFAULT_TIMEOUT_S
}

function readTarget(target: Input): Target {
  const key = requiredString(target, 'Key')
  const values = stringList(target, 'Values')
  if (!key.startsWith('tag:') && key !== 'InstanceIds') throw new ServiceError('InvalidTarget', `The target key ${key} is not valid.`)
  return {key, values}
}

/** `10` or `10%`. */
function rate(input: Input, name: string, otherwise: string, least: number): string {
  const text = optionalString(input, name) ?? otherwise
  const match = /^(\d{1,7})(%?)$/.exec(text)
  const value = Number(match?.[1])
  if (match === null || value < least || (match[2] === '%' && value > 100)) invalid(`Value '${text}' at '${name}' failed to satisfy constraint`)
  return text
}

function addressees(instanceIds: readonly string[], targets: readonly Target[], fleet: Fleet): string[] {
  if (instanceIds.length > MAX_INSTANCES) {
    invalid(`Value at 'instanceIds' failed to satisfy constraint: Member must have length less than or equal to ${MAX_INSTANCES}`)
  }
  if (targets.length > MAX_TARGETS) invalid(`Value at 'targets' failed to satisfy constraint: Member must have length less than or equal to ${MAX_TARGETS}`)
  if ((instanceIds.length > 0) === (targets.length > 0)) {
    throw new ServiceError('ValidationException', 'You must specify either InstanceIds or Targets, not both.')
  }
  if (targets.length > 0) {
    const meant = [...fleet.instances.values()].filter((instance) => fleet.isManaged(instance) && targets.every((target) => matches(instance, target)))
    return meant.map(({id}) => id)
  }
  const ids = [...new Set(instanceIds)]
  const strange = ids.filter((id) => {
    const instance = fleet.instances.get(id)
    return instance === undefined || !fleet.isManaged(instance)
  })
  if (strange.length > 0) throw new ServiceError('InvalidInstanceId', `Instances [[${strange.join(', ')}]] not in a valid state for account`)
  return ids
}

function matches(instance: BenchInstance, {key, values}: Target): boolean {
  if (key === 'InstanceIds') return values.includes(instance.id)
  const value = instance.tags.get(key.slice('tag:'.length))
  return value !== undefined && values.includes(value)
}
