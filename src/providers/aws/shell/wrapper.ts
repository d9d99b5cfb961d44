import {ARRIVE} from './wrapper/arrive.js'
import {CLAIM} from './wrapper/claim.js'
import {MAIN} from './wrapper/main.js'
import {RESULT_AND_TRANSFER} from './wrapper/result-and-transfer.js'
import {RUN_AS_USER} from './wrapper/run-as-user.js'
import {stripScript} from './wrapper/strip-script.js'
import {TIDY} from './wrapper/tidy.js'
import {WATCH_LIMITS} from './wrapper/watch-limits.js'
import {WORK_FOLDER} from './wrapper/work-folder.js'

/** How many bytes of the compressed output travel in the answer: base64 of them, line ends and frame stay below AWS's 24,000 characters. */
export const INLINE_OUTPUT_BYTES = 17_400
/** Standard input that is longer is laid into a file first: a pipe takes 64 KiB from a writer that nobody reads from. */
export const PIPED_INPUT_BYTES = 48 * 1024

/**
 * What runs on the instance, as root, around the user's script: POSIX sh with coreutils, findutils and gzip, and `[ -O` of every shell in use.
 * It is evaluated behind the assignments that ARRIVE names. `shellcheck -s sh` has nothing to say about both together.
 *
 * It lets a request run once, and answers with how the script ended and what it printed: docs/decisions/0006-scripts-run-once-over-ssm.md.
 */
export const WRAPPER_SOURCE = [ARRIVE, CLAIM, WORK_FOLDER, RUN_AS_USER, WATCH_LIMITS, RESULT_AND_TRANSFER, TIDY, MAIN].join('')

/** As it travels. */
export const WRAPPER = stripScript(WRAPPER_SOURCE)
