import type {EndState} from './rehearsal-record.js'

/** A round's end beside the reference's. Also its JSON form. */
export interface EndComparison {
  readonly checkpoint: {readonly path: string; readonly same: boolean} | null
  /** Files of the output folder, by path; what only one of them has is not the same. */
  readonly outputs: readonly {readonly path: string; readonly same: boolean}[]
  /** The last checkpoint is the same byte for byte, or there are outputs and all of them are. */
  readonly exact: boolean
}

export function compareEnds(reference: EndState, end: EndState): EndComparison {
  const [wanted, got] = [reference.good, end.good]
  const checkpoint = wanted && {path: wanted.path, same: wanted.sha256 !== null && got !== null && got.path === wanted.path && got.sha256 === wanted.sha256}
  const paths = [...new Set([...reference.outputs.keys(), ...end.outputs.keys()])].sort()
  const outputs = paths.map(path => ({path, same: reference.outputs.get(path) === end.outputs.get(path)}))
  return {checkpoint, outputs, exact: checkpoint?.same === true || (outputs.length > 0 && outputs.every(({same}) => same))}
}
