import {readFile} from 'node:fs/promises'
import path from 'node:path'

import {REPOSITORY} from './repository.js'

/** The sample training, for a project that has it as its own script. */
export function sampleScript(): Promise<string> {
  return readFile(path.join(REPOSITORY, 'training', 'train_with_checkpoints.py'), 'utf8')
}

/** A training that keeps the last checkpoint as best.pt as well, as many do. */
export const KEEPS_BEST = `import os, shutil, sys
sys.path.insert(0, "training")
from train_with_checkpoints import main
code = main()
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
newest = max((os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".json")), key=os.path.getmtime)
shutil.copyfile(newest, os.path.join(folder, "best.pt"))
sys.exit(code)
`

/** A training of somebody's own, which rests so long after each step, keeps best.pt, and leaves where it was in checkpoint.json of its folder. */
export function ownScript({stepSeconds}: {readonly stepSeconds: number}): string {
  return `import os, shutil, sys
sys.path.insert(0, "training")
from train_with_checkpoints import main
sys.argv[1:1] = ["--step-seconds", "${stepSeconds}"]
code = main()
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
newest = max((os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".json")), key=os.path.getmtime)
shutil.copyfile(newest, os.path.join(folder, "best.pt"))
shutil.copyfile(newest, "checkpoint.json")
sys.exit(code)
`
}
