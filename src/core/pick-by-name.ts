import {RunctlError} from '../model/errors.js'

/** The one that a person means: by its whole name, or by the end of it where that is unique. Rejects with `not_found`. */
export function pickByName<C>(all: readonly C[], wanted: string, nameOf: (one: C) => string): C {
  const exact = all.filter(one => nameOf(one) === wanted)
  const fitting = exact.length > 0 ? exact : all.filter(one => nameOf(one).endsWith(`/${wanted}`))
  const [only] = fitting
  if (fitting.length === 1 && only !== undefined) return only
  const named = (fitting.length > 1 ? fitting : all).map(nameOf).slice(-5)
  throw new RunctlError('not_found', fitting.length > 1 ? `${wanted} names ${fitting.length} checkpoints` : `there is no checkpoint ${wanted}`, {
    next: named.length > 0 ? [`one of: ${named.join(', ')}`] : [],
    details: {path: wanted, candidates: named},
  })
}
