/** The reason of the abort that Ctrl-C causes: the user stops watching; what runs on an instance goes on. */
export class Detached extends Error {
  constructor() {
    super('detached')
    this.name = 'Detached'
  }
}

/** 128 + SIGINT, as shells report it. */
export const DETACHED_EXIT_CODE = 130
