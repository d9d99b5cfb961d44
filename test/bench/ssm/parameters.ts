/** AWS's public parameters: the ids of the catalogue's images. */

import {imagesIn} from '../ec2/regions.js'
import {ServiceError} from '../types.js'
import {type Input, invalid, page, requiredString, stringList} from './input.js'

const MOST_NAMES = 10
const MODIFIED_AT = Date.UTC(2026, 10, 9) / 1000

function parametersOf(region: string): Map<string, Record<string, unknown>> {
  const all = [...imagesIn(region).values()].flatMap(({id, parameters}) => parameters.map((name) => [name, id] as const))
  return new Map(
    all.map(([name, value]) => [
      name,
      {Name: name, Type: 'String', Value: value, Version: 1, LastModifiedDate: MODIFIED_AT, ARN: `arn:aws:ssm:${region}::parameter${name}`, DataType: 'text'},
    ]),
  )
}

export function getParameter(input: Input, region: string): unknown {
  const parameter = parametersOf(region).get(requiredString(input, 'Name'))
  if (parameter === undefined) throw new ServiceError('ParameterNotFound', '')
  return {Parameter: parameter}
}

export function getParameters(input: Input, region: string): unknown {
  const names = [...new Set(stringList(input, 'Names'))]
  if (names.length === 0 || names.length > MOST_NAMES) invalid(`Value at 'names' failed to satisfy constraint: Member must have 1 to ${MOST_NAMES} elements`)
  const known = parametersOf(region)
  return {
    Parameters: names.flatMap((name) => known.get(name) ?? []),
    InvalidParameters: names.filter((name) => !known.has(name)),
  }
}

export function getParametersByPath(input: Input, region: string): unknown {
  const path = requiredString(input, 'Path').replace(/\/$/, '')
  const recursive = input['Recursive'] === true
  const below = [...parametersOf(region)].filter(([name]) => name.startsWith(`${path}/`) && (recursive || !name.slice(path.length + 1).includes('/')))
  const {items, token} = page(below.map(([, parameter]) => parameter), input, MOST_NAMES)
  return {Parameters: items, ...(token === null ? {} : {NextToken: token})}
}
