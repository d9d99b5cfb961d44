import type {ProgressOutput} from '../ui/progress.js'

/** Under --json nobody watches, but a step that failed is never passed over in silence. */
export function warningsOnly(output: ProgressOutput): ProgressOutput {
  return {
    emit(event) {
      if (event.type === 'warning') output.emit(event)
    },
    pause: () => output.pause(),
    stop: () => output.stop(),
  }
}
