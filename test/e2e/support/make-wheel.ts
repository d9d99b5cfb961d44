import {execFileSync} from 'node:child_process'

/** Puts `runctl-vendored` 7 into a folder. A wheel is a zip file with a few lines about itself: no tool that builds wheels is needed. */
export function makeWheel(folder: string): void {
  const program = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/runctl_vendored-7-py3-none-any.whl", "w") as wheel:
    wheel.writestr("runctl_vendored.py", "ANSWER = 42\\n")
    wheel.writestr("runctl_vendored-7.dist-info/METADATA", "Metadata-Version: 2.1\\nName: runctl-vendored\\nVersion: 7\\n")
    wheel.writestr("runctl_vendored-7.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("runctl_vendored-7.dist-info/RECORD", "")
`
  execFileSync('python3', ['-c', program, folder])
}
