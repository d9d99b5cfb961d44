import {randomUUID} from 'node:crypto'

/** A fresh idempotency key: 41 ASCII characters. */
export const newRequestId = (): string => `req-${randomUUID()}`
