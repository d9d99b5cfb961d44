import {setMaxListeners} from 'node:events'

/** A controller for many calls at once: each of fifty polls listens to its signal, which Node would take for a leak and say so. */
export function sharedAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
