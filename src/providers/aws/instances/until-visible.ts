import {isRunctlError} from '../../../model/errors.js'
import type {AwsClock} from '../clock.js'

/** Repeats a call that is refused because AWS does not know yet what was made a moment ago. Every other failure, and the last one, comes through. */
export async function untilVisible<T>(
  call: () => Promise<T>,
  isTooEarly: (error: unknown) => Promise<boolean> | boolean,
  {clock, limitMs, signal}: {readonly clock: AwsClock; readonly limitMs: number; readonly signal?: AbortSignal | undefined},
): Promise<T> {
  const deadline = clock.now().getTime() + limitMs
  for (let delayMs = 500; ; delayMs = Math.min(delayMs * 2, 4000)) {
    try {
      return await call()
    } catch (error) {
      if (clock.now().getTime() + delayMs > deadline || !(await isTooEarly(error))) throw error
    }
    await clock.sleep(delayMs, signal)
  }
}

/** The name of AWS's error behind it: `InvalidGroup.NotFound`; empty where it is not AWS's. */
export const awsErrorName = (error: unknown): string => (isRunctlError(error) && typeof error.details['aws_error'] === 'string' ? error.details['aws_error'] : '')
