import type {CreateJournal, JournaledRequest, JournalEntry} from '../../src/core/create-journal.js'

/** A journal in memory. `cutOff`: the keys of a create that never came to an end. */
export class MemoryJournal implements CreateJournal {
  readonly begun: {readonly request: JournaledRequest; readonly requestIds: readonly string[]}[] = []
  cutOff: readonly string[] | null = null
  open = 0

  async begin(request: JournaledRequest, requestIds: readonly string[]): Promise<JournalEntry> {
    const resumed = this.cutOff
    this.begun.push({request, requestIds})
    this.open++
    return {
      requestIds: resumed ?? requestIds,
      resumedFrom: resumed ? '2026-11-23T11:50:00.000Z' : null,
      replace: async requestId => `${requestId}-again`,
      settle: async () => {
        this.open--
      },
    }
  }
}
