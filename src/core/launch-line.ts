import {launchWords} from '../model/limit-words.js'
import type {LimitsState} from '../model/limits.js'
import type {Instance} from '../model/instance.js'
import type {HourlyPrice} from '../providers/provider.js'
import type {PlatformDeps} from './platform-deps.js'

/** Says once what a machine costs that was launched, and when it stops itself. `named`: with its id, among several. */
export function tellLaunch(
  instance: Instance, price: HourlyPrice | null, limits: LimitsState | 'unasked' | null, {clock, progress, provider}: Pick<PlatformDeps, 'clock' | 'progress' | 'provider'>, named = false,
): void {
  const {id, instanceType, lifecycle, platform} = instance
  const words = launchWords({id, platform, instance_type: instanceType, lifecycle, cost_per_hour: price?.usdPerHour ?? null, price_source: price?.source ?? null}, limits, clock.now(), provider.selfStop !== undefined)
  if (words !== null) progress.emit({type: 'note', message: named ? `${id}: ${words}` : words})
}
