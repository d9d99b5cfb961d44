/** The steps, by event. package.json names them. */
import type {RunctlHook} from 'runctl'

import {notify} from './notify.js'

export const posttrain: RunctlHook<'posttrain'> = async function (options) {
  await notify(this.config.dataDir, options, {event: 'posttrain', platform: options.platform, instance: options.instance, run: options.run})
}

export const interrupted: RunctlHook<'interrupted'> = async function (options) {
  await notify(this.config.dataDir, options, {event: 'interrupted', platform: options.platform, instance: options.instance, run: options.run})
}

export const limitReached: RunctlHook<'limit-reached'> = async function (options) {
  const limit = {kind: options.limit, detail: options.detail}
  await notify(this.config.dataDir, options, {event: 'limit-reached', platform: options.platform, instance: options.instance, run: options.run, limit})
}

export const checkpointSaved: RunctlHook<'checkpoint-saved'> = async function (options) {
  const {checkpoint, instance, platform, run_id: runId} = options
  await notify(this.config.dataDir, options, {event: 'checkpoint-saved', platform, instance, runId, checkpoint})
}

export const poststop: RunctlHook<'poststop'> = async function (options) {
  await notify(this.config.dataDir, options, {event: 'poststop', platform: options.platform, instance: options.instance, saved: options.saved})
}

export const postterminate: RunctlHook<'postterminate'> = async function (options) {
  await notify(this.config.dataDir, options, {event: 'postterminate', platform: options.platform, instance: options.instance, saved: options.saved})
}
