import type {CheckpointSource} from './checkpoint-command.js'
import {CheckpointCommand} from './checkpoint-command.js'
import {latestGood, type PlacedListing} from '../core/checkpoint-sources.js'
import {listInstanceCheckpoints} from '../core/list-instance-checkpoints.js'
import {listProjectCheckpoints} from '../core/list-project-checkpoints.js'
import {listRunCheckpoints} from '../core/list-run-checkpoints.js'
import {isStoreUri} from '../core/store-place.js'
import {listStoredBelow} from '../core/stored-checkpoints.js'
import {RunctlError} from '../model/errors.js'
import {configuredOutput} from './train-flags.js'

export interface PlacedSource extends CheckpointSource {
  readonly from?: string | undefined
}

/** A command over the checkpoints of whatever was named: an instance, a run, a project, a folder here, or an address in a store. */
export abstract class CheckpointListCommand<T> extends CheckpointCommand<T> {
  protected async placedListing(source: PlacedSource): Promise<PlacedListing> {
    const {folder, from = null, 'instance-id': instanceId, project, run: runId} = source
    if (from !== null && !isStoreUri(from)) throw new RunctlError('bad_input', `--from wants s3://BUCKET/PREFIX, not ${JSON.stringify(from)}`)
    if (from !== null && runId === undefined && project === undefined) throw new RunctlError('bad_input', '--from says where a run or a project is in a store: it goes with --run or --project')
    if (project !== undefined && (folder !== undefined || runId !== undefined)) throw new RunctlError('bad_input', `a ${runId === undefined ? 'folder' : 'run'} has its own checkpoints: leave --project out`)
    if (folder !== undefined && instanceId === undefined && runId === undefined && isStoreUri(folder)) return this.inStore(folder)
    const config = await this.lenientConfig()
    const where = {from, defaultOutput: configuredOutput(config), projectName: config.get('project.name')}
    if (instanceId !== undefined && folder === undefined && runId === undefined) {
      const deps = await this.platformDeps((await this.platforms()).ownerOf(instanceId))
      return listInstanceCheckpoints({instanceId, project: project ?? null, defaultOutput: where.defaultOutput}, deps)
    }
    if (runId !== undefined && folder === undefined && instanceId === undefined) return listRunCheckpoints({...where, runId}, await this.allPlatforms())
    if (project !== undefined && instanceId === undefined) return listProjectCheckpoints({...where, project}, await this.allPlatforms())
    const {listing} = await this.listing(source)
    return {...listing, notes: listing.incomplete_because === null ? [] : [listing.incomplete_because], warnings: [], at_risk: null, waiting: null}
  }

  /** Told before the result: what the list cannot know, and what one can resume from. */
  protected say({latest_good, latest_good_skipped, notes, warnings}: PlacedListing): void {
    for (const message of notes) this.progress.emit({type: 'note', message})
    for (const message of warnings) this.progress.emit({type: 'warning', message})
    for (const {path, why} of latest_good_skipped) this.progress.emit({type: 'warning', message: `${path} cannot be resumed from: ${why}`})
    if (latest_good) this.progress.emit({type: 'note', message: `latest good: ${latest_good.path}`})
  }

  private async inStore(uri: string): Promise<PlacedListing> {
    const owner = (await this.allPlatforms()).find(({provider: {store}}) => store && uri.startsWith(`${store.scheme}://`))
    const {store} = owner?.provider ?? {}
    if (!store) throw new RunctlError('bad_input', `no platform that is set up here has a store with addresses like ${uri}`, {next: ['runctl doctor']})
    const {checkpoints, warnings} = await listStoredBelow(uri, {store, signal: this.signal})
    return {checkpoints, latest_good: latestGood(checkpoints), latest_good_skipped: [], notes: [], warnings, at_risk: null, waiting: null}
  }
}
