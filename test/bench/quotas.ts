/** Service Quotas: the vCPU limits that EC2 enforces, and how they are asked for. */

import {jsonAnswer, jsonFailure, jsonInput} from './json-protocol.js'
import {type Service, ServiceError, type WireRequest, type WireResponse} from './types.js'
import type {World} from './world.js'

/** Names and vCPUs by quota code; EC2 sets new accounts lower. */
export const DEFAULT_QUOTAS: ReadonlyMap<string, {readonly name: string; readonly vcpus: number}> = new Map([
  ['L-1216C47A', {name: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances', vcpus: 640}],
  ['L-34B43A08', {name: 'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests', vcpus: 640}],
  ['L-DB2E81BA', {name: 'Running On-Demand G and VT instances', vcpus: 64}],
  ['L-3819A6DF', {name: 'All G and VT Spot Instance Requests', vcpus: 64}],
  ['L-417A185B', {name: 'Running On-Demand P instances', vcpus: 96}],
  ['L-7212CCBC', {name: 'All P4, P3 and P2 Spot Instance Requests', vcpus: 96}],
  ['L-6E869C2A', {name: 'Running On-Demand DL instances', vcpus: 0}],
  ['L-1945791B', {name: 'Running On-Demand Inf instances', vcpus: 0}],
  ['L-2C3B7624', {name: 'Running On-Demand Trn instances', vcpus: 0}],
])

const LARGEST_PAGE = 100

export class QuotasService implements Service {
  readonly name = 'servicequotas'
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  async handle(request: WireRequest): Promise<WireResponse> {
    const input = jsonInput(request)
    if (input['ServiceCode'] !== 'ec2') throw new ServiceError('NoSuchResourceException', `The request failed because the specified service does not exist.`)
    switch (request.operation) {
      case 'GetServiceQuota':
      case 'GetAWSDefaultServiceQuota':
        return jsonAnswer({Quota: this.#quota(String(input['QuotaCode']), request.region)})
      case 'ListServiceQuotas':
        return jsonAnswer(this.#list(input, request.region))
      default:
        throw new ServiceError('UnknownOperationException', `The bench has no ${request.operation}`)
    }
  }

  fail(error: ServiceError): WireResponse {
    return jsonFailure(error)
  }

  #list({MaxResults: size = LARGEST_PAGE, NextToken: token}: Record<string, unknown>, region: string) {
    const codes = [...this.#world.quotas.keys()].sort()
    const start = token === undefined ? 0 : codes.indexOf(String(token))
    if (start === -1) throw new ServiceError('InvalidPaginationTokenException', 'Invalid token was provided.')
    const end = start + Number(size)
    return {Quotas: codes.slice(start, end).map((code) => this.#quota(code, region)), ...(end < codes.length && {NextToken: codes[end]})}
  }

  #quota(code: string, region: string) {
    const vcpus = this.#world.quotas.get(code)
    const name = DEFAULT_QUOTAS.get(code)?.name
    if (vcpus === undefined || name === undefined) throw new ServiceError('NoSuchResourceException', 'The request failed because the specified quota does not exist.')
    return {
      ServiceCode: 'ec2',
      ServiceName: 'Amazon Elastic Compute Cloud (Amazon EC2)',
      QuotaArn: `arn:aws:servicequotas:${region}:${this.#world.account}:ec2/${code}`,
      QuotaCode: code,
      QuotaName: name,
      Value: vcpus,
      Unit: 'None',
      Adjustable: true,
      GlobalQuota: false,
    }
  }
}
