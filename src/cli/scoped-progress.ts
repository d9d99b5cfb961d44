import type {Progress} from '../core/progress.js'

/** What is said about one of several instances: notes and warnings bear its id, steps are left out (each instance is one step). */
export function scopedProgress(progress: Progress, id: string): Progress {
  return {
    emit(event) {
      if (event.type !== 'note' && event.type !== 'warning') return
      progress.emit(event.message.includes(id) ? event : {...event, message: `${id}: ${event.message}`})
    },
    pause: () => progress.pause(),
  }
}
