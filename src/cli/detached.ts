import {constants} from 'node:os'

/** The reason of the abort that Ctrl-C causes: the user stops watching; what runs on an instance goes on. */
export class Detached extends Error {
  constructor(
    readonly stillRunning: readonly string[] = [],
    readonly next: readonly string[] = [],
  ) {
    super('detached; what runs on the instance goes on')
    this.name = 'Detached'
  }
}

/** Ctrl-C, a polite end from outside, a terminal that is closed: none of them ends what runs on an instance. */
export const DETACHING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type DetachingSignal = (typeof DETACHING_SIGNALS)[number]

/** 128 + the signal's number, as shells report it. */
export const detachedExitCode = (signal: DetachingSignal): number => 128 + constants.signals[signal]

export const DETACHED_EXIT_CODE = detachedExitCode('SIGINT')
