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

/** 128 + SIGINT, as shells report it. */
export const DETACHED_EXIT_CODE = 130
