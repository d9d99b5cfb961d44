import {stat} from 'node:fs/promises'
import path from 'node:path'

import {callLocalAgent} from '../agent/local-agent.js'
import {isCheckpointItself} from '../core/checkpoint-folder.js'
import {findRunningInstance} from '../core/find-instance.js'
import {inspectCheckpoint, type CheckpointAddress, type CheckpointInfo, type InspectDeps, type InspectInput} from '../core/inspect-checkpoint.js'
import {pickByName} from '../core/pick-by-name.js'
import {findRun} from '../core/list-runs.js'
import {isStoredCheckpoint, storedBelow} from '../core/stored-checkpoint.js'
import type {VerifyDeps, VerifyInput} from '../core/verify-checkpoints.js'
import {isRunctlError, RunctlError} from '../model/errors.js'
import {CheckpointCommand, type CheckpointSource} from './checkpoint-command.js'
import {schemeOf, storeFor, storeOf} from './store-for.js'

/** A command that looks into checkpoints: on an instance, on this machine, in a store. */
export abstract class InspectCommand<T> extends CheckpointCommand<T> {
  protected get inspectDeps(): InspectDeps & VerifyDeps {
    const {progress, signal} = this
    return {
      inspectHere: request => callLocalAgent('inspect', request, signal, this.checkpointFormats),
      storeOf: async uri => storeOf(uri, await this.platforms()),
      progress,
      signal,
    }
  }

  /**
   * What a person wrote, as an address: on the instance or of the run where one is given; else a URI, `INSTANCE:path`, or a path here. Rejects with
   * `not_found`, and `wrong_state` for an instance that cannot be asked.
   */
  protected async addressOf(text: string, source: Pick<CheckpointSource, 'instance-id' | 'run'> = {}): Promise<CheckpointAddress> {
    if (source['instance-id'] !== undefined) return this.onInstance(source['instance-id'], text)
    if (source.run !== undefined) {
      const {deps, run} = await findRun(source.run, await this.allPlatforms())
      await findRunningInstance(run.instance_id, deps)
      return {kind: 'instance', instanceId: run.instance_id, agent: deps.agent(run.instance_id), request: {path: text, run_id: run.run_id}}
    }
    if (schemeOf(text) !== null) return {kind: 'stored', uri: text, store: await storeFor(text, await this.platforms())}
    const [, instanceId, below] = /^([^/:\s]+):(.+)$/s.exec(text) ?? []
    if (instanceId !== undefined && below !== undefined && (await this.platforms()).knows(instanceId)) {
      return this.onInstance(instanceId, below)
    }
    const here = path.resolve(text)
    if (await stat(here).catch(() => null)) return {kind: 'here', path: here}
    throw new RunctlError('not_found', `there is no ${text} here`, {
      next: ['runctl checkpoint list ./checkpoints', 'runctl checkpoint list --instance-id INSTANCE'],
      details: {path: here},
    })
  }

  /** Looks into one. Of an instance that is stopped this is what its tags say. */
  protected async look(text: string, source: CheckpointSource, input: InspectInput): Promise<CheckpointInfo> {
    const at = async (name: string): Promise<CheckpointInfo> => (await inspectCheckpoint(await this.addressOf(name, source), input, this.inspectDeps)).info
    try {
      return await at(text)
    } catch (error) {
      const isRemote = source['instance-id'] !== undefined || source.run !== undefined
      if (!isRemote || !isRunctlError(error) || (error.code !== 'not_found' && error.code !== 'wrong_state')) throw error
      // It may be the end of a path; and who does not find it is told what there is.
      const checkpoint = pickByName((await this.listing(source)).listing.checkpoints, text, ({path}) => path)
      return error.code === 'wrong_state' ? {...checkpoint, xray: null} : at(checkpoint.path)
    }
  }

  /** What `verify` is to read: the checkpoints that are named, or all of the source; of a folder or prefix that is none itself all in it. */
  protected async targetsOf(names: readonly string[], source: CheckpointSource): Promise<VerifyInput['targets']> {
    const address = async (name: string): Promise<VerifyInput['targets'][number]> => ({name, address: await this.addressOf(name, source)})
    if (source['instance-id'] !== undefined || source.run !== undefined) {
      const known = names.length > 0 ? names : (await this.listing(source)).listing.checkpoints.map(({path: name}) => name)
      const first = known[0] === undefined ? null : await address(known[0])
      // The instance is looked up once, not for each.
      return known.flatMap(name => (first?.address.kind === 'instance' ? [{name, address: {...first.address, request: {...first.address.request, path: name}}}] : []))
    }
    if (names.length === 0) {
      throw new RunctlError('bad_input', 'say what to verify: checkpoints, a folder, an s3:// URI, an instance or a run', {
        next: ['runctl checkpoint verify --instance-id INSTANCE', 'runctl checkpoint verify ./checkpoints'],
      })
    }
    return (await Promise.all(names.map(async name => this.targetsIn(await address(name))))).flat()
  }

  private async targetsIn(one: VerifyInput['targets'][number]): Promise<VerifyInput['targets']> {
    const {address, name} = one
    if (address.kind === 'stored') {
      const {store, uri} = address
      const below = (await isStoredCheckpoint(uri, {store, signal: this.signal})) ? [] : await storedBelow(uri, {store, signal: this.signal})
      return below.length === 0 ? [one] : below.map(found => ({name: found, address: {kind: 'stored', uri: found, store}}))
    }
    if (address.kind !== 'here' || (await isCheckpointItself(address.path))) return [one]
    const {listing} = await this.listing({folder: name})
    if (listing.checkpoints.length === 0) return [one]
    return listing.checkpoints.map(({path: found}) => ({name: path.relative(process.cwd(), found), address: {kind: 'here', path: found}}))
  }

  private async onInstance(instanceId: string, text: string): Promise<CheckpointAddress> {
    const deps = await this.platformDeps((await this.platforms()).ownerOf(instanceId))
    await findRunningInstance(instanceId, deps)
    return {kind: 'instance', instanceId, agent: deps.agent(instanceId), request: {path: text}}
  }
}
