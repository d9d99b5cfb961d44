/**
 * Requests for instances that are on their way, kept where a crash does not reach them. A create whose answer was never seen may have made a
 * machine: the same request within the hour asks with the same key again, and so finds that one instead of making a second.
 */
export interface CreateJournal {
  /** Written down before it is asked. `requestIds` are the keys to ask with: those given, or those of the same request that was cut off before. */
  begin(request: JournaledRequest, requestIds: readonly string[]): Promise<JournalEntry>
}

/** What makes two requests the same one. */
export interface JournaledRequest {
  readonly name: string | null
  readonly instanceType: string | null
  readonly options: Readonly<Record<string, unknown>>
  readonly project: string | null
  readonly owner: string
  /** What it is to keep by itself; absent: nothing. A machine with other limits is another one. */
  readonly limits?: object
  readonly count: number
}

export interface JournalEntry {
  readonly requestIds: readonly string[]
  /** ISO 8601, UTC: when the create that was cut off began; null for a new one. */
  readonly resumedFrom: string | null
  /** A fresh key in place of one whose instance is gone, written down before it is used. */
  replace(requestId: string): Promise<string>
  /** Every request was answered: there is nothing to find. */
  settle(): Promise<void>
}
