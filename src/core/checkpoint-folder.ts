import {readdir, stat} from 'node:fs/promises'
import path from 'node:path'

/** Files that tell that the folder around them is one checkpoint. */
const DESCRIBES_A_FOLDER = /^(?:config|adapter_config|trainer_state|model_index)\.json$|\.index\.json$/

/** Whether a file or folder here is one checkpoint, not a folder with several. */
export async function isCheckpointItself(at: string): Promise<boolean> {
  if (!(await stat(at)).isDirectory() || /^checkpoint-|\.ckpt$/.test(path.basename(at))) return true
  return (await readdir(at)).some(name => DESCRIBES_A_FOLDER.test(name))
}
