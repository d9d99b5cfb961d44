import type {AwsClock} from '../clock.js'
import {isAboutProfile} from '../instances/profile-problem.js'
import {awsErrorName, untilVisible} from '../instances/until-visible.js'

/** What is made in IAM or S3 may take so long to be known everywhere. */
const LIMIT_MS = 60_000
/** Said of what was made a moment ago, or is being changed by a call beside this one. */
const UNSETTLED = /^(ConcurrentModification(Exception)?|NoSuchBucket|NoSuchEntity(Exception)?|OperationAborted)$/

/** For calls that need what setup has just found or made: repeats them until IAM, S3 and EC2 know of it. */
export function untilSettled<T>(call: () => Promise<T>, {clock, signal}: {readonly clock: AwsClock; readonly signal: AbortSignal | undefined}): Promise<T> {
  return untilVisible(call, error => UNSETTLED.test(awsErrorName(error)) || isAboutProfile(error), {clock, limitMs: LIMIT_MS, signal})
}
