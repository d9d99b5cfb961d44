import {fileURLToPath} from 'node:url'

/** The root of the source tree, with a slash at its end. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))
