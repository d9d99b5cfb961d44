/** Systems Manager: Run Command, its nodes, and the public parameters. */

import {jsonAnswer, jsonFailure, jsonInput} from '../json-protocol.js'
import {type BenchInstance, type Service, ServiceError, type WireRequest, type WireResponse} from '../types.js'
import type {World} from '../world.js'
import {Agent} from './agent.js'
import {commandAnswer, invocationAnswer, invocationResult, PLUGIN} from './answers.js'
import {type Command, commandStatus, type Invocation} from './command.js'
import {dispatch} from './dispatch.js'
import {type Input, objectList, optionalString, page, requiredString, stringList} from './input.js'
import {describeInstanceInformation} from './managed-nodes.js'
import {getParameter, getParameters, getParametersByPath} from './parameters.js'
import {readCommand} from './send-command.js'

const MOST_LISTED = 50
/** After its time, an agent's coming online is looked at once more, in milliseconds. */
const LATE_MS = 5

export class SsmService implements Service {
  readonly name = 'ssm'
  readonly #world: World
  readonly #agents = new Map<string, Agent>()
  readonly #commands = new Map<string, Command>()
  readonly #operations: Readonly<Record<string, (input: Input, region: string) => unknown>>

  constructor(world: World) {
    this.#world = world
    const agentOf = (id: string): Agent => this.#agentOf(id)
    this.#operations = {
      SendCommand: (input, region) => this.#sendCommand(input, region),
      GetCommandInvocation: (input) => this.#getCommandInvocation(input),
      ListCommandInvocations: (input) => this.#listCommandInvocations(input),
      ListCommands: (input) => this.#listCommands(input),
      CancelCommand: (input) => this.#cancelCommand(input),
      DescribeInstanceInformation: (input, region) => describeInstanceInformation(input, world, agentOf, region),
      GetParameter: getParameter,
      GetParameters: getParameters,
      GetParametersByPath: getParametersByPath,
    }
    world.onState((instance) => {
      this.#follow(instance)
    })
    for (const instance of world.instances.values()) this.#follow(instance)
  }

  async handle(request: WireRequest): Promise<WireResponse> {
    const operation = this.#operations[request.operation]
    if (operation === undefined) throw new ServiceError('InternalServerError', `the bench does not know ssm:${request.operation}`, 500)
    // Time passes and profiles change without a word: every request is an occasion to look.
    for (const agent of this.#agents.values()) agent.look()
    return jsonAnswer(operation(jsonInput(request), request.region))
  }

  fail(error: ServiceError): WireResponse {
    return jsonFailure(error)
  }

  #agentOf(instanceId: string): Agent {
    let agent = this.#agents.get(instanceId)
    if (agent === undefined) {
      const instance = this.#world.instances.get(instanceId)
      if (instance === undefined) throw new ServiceError('InvalidInstanceId', '')
      agent = new Agent(this.#world, instance)
      this.#agents.set(instanceId, agent)
    }
    return agent
  }

  #follow(instance: BenchInstance): void {
    const agent = this.#agentOf(instance.id)
    if (instance.state === 'terminated') agent.giveUp()
    if (instance.state !== 'running') return
    // Who makes it online at once may say so after telling the state.
    queueMicrotask(() => {
      agent.look()
    })
    const onlineAt = instance.onlineAt?.getTime() ?? this.#world.now().getTime() + this.#world.times.onlineMs
    this.#world.after(Math.max(0, onlineAt - this.#world.now().getTime()) + LATE_MS, () => {
      agent.look()
    })
  }

  #sendCommand(input: Input, region: string): unknown {
    const isManaged = (instance: BenchInstance): boolean => this.#world.regionOf(instance) === region && this.#agentOf(instance.id).isManaged
    const fleet = {instances: this.#world.instances, isManaged}
    const command = readCommand(input, fleet, this.#world.now(), this.#world.doubleDelivery > 0)
    if (command.doubled) this.#world.doubleDelivery -= 1
    this.#commands.set(command.id, command)
    const answer = {Command: commandAnswer(command)}
    dispatch(command, (id) => this.#agentOf(id), this.#world)
    return answer
  }

  #getCommandInvocation(input: Input): unknown {
    const command = this.#commands.get(requiredString(input, 'CommandId'))
    const invocation = command?.invocations.get(requiredString(input, 'InstanceId'))
    if (command === undefined || invocation === undefined || !this.#isVisible(command)) throw new ServiceError('InvocationDoesNotExist', '')
    const plugin = optionalString(input, 'PluginName')
    if (plugin !== null && plugin !== PLUGIN) throw new ServiceError('InvalidPluginName', '')
    return invocationResult(invocation)
  }

  #isVisible(command: Command): boolean {
    return this.#world.now().getTime() - command.requestedAt.getTime() >= this.#world.times.invocationLagMs
  }

  #listCommandInvocations(input: Input): unknown {
    const commandId = optionalString(input, 'CommandId')
    const instanceId = optionalString(input, 'InstanceId')
    const shown = this.#newestFirst()
      .filter((command) => (commandId === null || command.id === commandId) && this.#isVisible(command))
      .flatMap((command) => [...command.invocations.values()].filter((invocation) => passes(input, command, invocation.status)))
      .filter((invocation) => instanceId === null || invocation.instanceId === instanceId)
    const {items, token} = page(shown, input, MOST_LISTED)
    const details = input['Details'] === true
    return {CommandInvocations: items.map((each) => invocationAnswer(each, this.#nameOf(each), details)), ...(token === null ? {} : {NextToken: token})}
  }

  #listCommands(input: Input): unknown {
    const commandId = optionalString(input, 'CommandId')
    const instanceId = optionalString(input, 'InstanceId')
    const shown = this.#newestFirst()
      .filter((command) => commandId === null || command.id === commandId)
      .filter((command) => instanceId === null || command.invocations.has(instanceId))
      .filter((command) => passes(input, command, commandStatus(command).status))
    const {items, token} = page(shown, input, MOST_LISTED)
    return {Commands: items.map(commandAnswer), ...(token === null ? {} : {NextToken: token})}
  }

  #cancelCommand(input: Input): unknown {
    const command = this.#commands.get(requiredString(input, 'CommandId'))
    if (command === undefined) throw new ServiceError('InvalidCommandId', '')
    const ids = stringList(input, 'InstanceIds')
    if (new Set(ids).size < ids.length) throw new ServiceError('DuplicateInstanceId', '')
    if (ids.some((id) => !command.invocations.has(id))) throw new ServiceError('InvalidInstanceId', '')
    for (const invocation of command.invocations.values()) {
      if (ids.length === 0 || ids.includes(invocation.instanceId)) this.#cancel(invocation)
    }
    return {}
  }

  #cancel(invocation: Invocation): void {
    if (invocation.ended) return
    const agent = this.#agentOf(invocation.instanceId)
    if (agent.isRunning(invocation)) {
      invocation.status = invocation.details = 'Cancelling'
      invocation.cancel.abort()
      return
    }
    agent.drop(invocation)
    invocation.end('Cancelled', 'Cancelled', this.#world.now())
  }

  #newestFirst(): Command[] {
    return [...this.#commands.values()].reverse()
  }

  #nameOf({instanceId}: Invocation): string {
    return this.#world.instances.get(instanceId)?.tags.get('Name') ?? ''
  }
}

/** Filters of both lists: `Status`, `InvokedAfter`, `InvokedBefore`, `DocumentName`. */
function passes(input: Input, command: Command, status: string): boolean {
  return objectList(input, 'Filters').every((filter) => {
    const value = requiredString(filter, 'value')
    switch (requiredString(filter, 'key')) {
      case 'Status':
        return status === value
      case 'DocumentName':
        return command.documentName === value
      case 'InvokedAfter':
        return command.requestedAt.getTime() > Date.parse(value)
      case 'InvokedBefore':
        return command.requestedAt.getTime() < Date.parse(value)
      default:
        throw new ServiceError('InvalidFilterKey', '')
    }
  })
}
