import type {CompletionSetup} from '../model/completion-setup.js'

/** What is to be done, or was done. */
export function renderCompletionSetup({changed, installed, line, script_file, shell, startup_file}: CompletionSetup): string {
  if (shell === 'powershell') return `Add this to your profile ($PROFILE), then open a new PowerShell:\n\n  ${line ?? ''}\n`
  const open = `Open a new ${shell}, then try: runctl <TAB>\n`
  if (changed.length > 0) return `${changed.map(file => `Wrote ${file}\n`).join('')}${open}`
  if (installed) return `Completion is set up for ${shell}.\n${open}`
  const steps = startup_file === null ? '' : `\nand puts this line into ${startup_file}:\n\n  ${line ?? ''}\n`
  return `Completion is not set up for ${shell}. This sets it up:\n\n  runctl autocomplete ${shell} --install\n\nIt writes ${script_file ?? ''}${steps}\nFor this shell alone: ${forThisShell(shell)}\n`
}

const forThisShell = (shell: CompletionSetup['shell']): string =>
  (shell === 'fish' ? 'runctl autocomplete fish --script | source' : `eval "$(runctl autocomplete ${shell} --script)"`)
