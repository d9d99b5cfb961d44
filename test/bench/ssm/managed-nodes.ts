/** DescribeInstanceInformation: the instances whose agents have registered. */

import type {BenchInstance} from '../types.js'
import type {World} from '../world.js'
import type {Agent} from './agent.js'
import {seconds} from './answers.js'
import {type Input, invalid, objectList, page, requiredString, stringList} from './input.js'

const MOST = 50
const LISTED = new Set(['pending', 'running', 'stopping'])

type Filter = (instance: BenchInstance, agent: Agent) => boolean

export function describeInstanceInformation(input: Input, world: World, agentOf: (instanceId: string) => Agent, region: string): unknown {
  if (typeof input['MaxResults'] === 'number' && input['MaxResults'] < 5) invalid("Value at 'maxResults' failed to satisfy constraint: Member must be greater than or equal to 5")
  const filters = [
    ...objectList(input, 'Filters').map((filter) => filterOf(requiredString(filter, 'Key'), stringList(filter, 'Values'))),
    ...objectList(input, 'InstanceInformationFilterList').map((filter) => filterOf(requiredString(filter, 'key'), stringList(filter, 'valueSet'))),
  ]
  const nodes = [...world.instances.values()].filter((instance) => {
    const agent = agentOf(instance.id)
    return world.regionOf(instance) === region && agent.isManaged && LISTED.has(instance.state) && filters.every((filter) => filter(instance, agent))
  })
  const {items, token} = page(nodes, input, MOST)
  const list = items.map((instance) => ({
    InstanceId: instance.id,
    PingStatus: pingStatus(instance, agentOf(instance.id)),
    LastPingDateTime: seconds(world.now()),
    AgentVersion: '3.3.2299.0',
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: 'Amazon Linux',
    PlatformVersion: '2023',
    ResourceType: 'EC2Instance',
    IPAddress: '10.0.0.10',
    ComputerName: `ip-10-0-0-10.${region}.compute.internal`,
    SourceId: instance.id,
    SourceType: 'AWS::EC2::Instance',
  }))
  return {InstanceInformationList: list, ...(token === null ? {} : {NextToken: token})}
}

/** A node that is going down is told as online for a while. */
function pingStatus(instance: BenchInstance, agent: Agent): 'ConnectionLost' | 'Online' {
  return agent.isOnline || instance.state === 'stopping' ? 'Online' : 'ConnectionLost'
}

function filterOf(key: string, values: readonly string[]): Filter {
  if (key === 'InstanceIds') return ({id}) => values.includes(id)
  if (key === 'PingStatus') return (instance, agent) => values.includes(pingStatus(instance, agent))
  if (key === 'PlatformTypes') return () => values.includes('Linux')
  if (key === 'ResourceType') return () => values.includes('EC2Instance')
  if (key === 'tag-key') return ({tags}) => values.some((value) => tags.has(value))
  if (key.startsWith('tag:')) return ({tags}) => values.includes(tags.get(key.slice('tag:'.length)) ?? '')
  return invalid(`Value '${key}' at 'filters' is not a key of a filter`)
}
