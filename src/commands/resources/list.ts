import type {Streamed} from '../../cli/base-command.js'
import {exporting} from '../../cli/export-file.js'
import {listFlags, listInput} from '../../cli/list-wish.js'
import {withDefaultValue} from '../../cli/optional-value.js'
import {printJsonArray, printJsonLine, printText} from '../../cli/print-rows.js'
import {ResourcesCommand} from '../../cli/resources-command.js'
import {watch} from '../../cli/watch.js'
import {listAllResources} from '../../core/list-all-resources.js'
import type {ListedRow} from '../../core/list-holdings.js'
import {systemClock} from '../../core/system-clock.js'
import {RunctlError} from '../../model/errors.js'
import {requestedFormat} from '../../model/output-format.js'
import type {PagedText} from '../../ui/paged-text.js'
import {ResourceListText} from '../../ui/resource-list-text.js'
import {ResourcesCsv} from '../../ui/resources-csv.js'
import {ResourcesHtml} from '../../ui/resources-html.js'

type Pages = AsyncIterable<readonly ListedRow[]>
type Write = (text: string) => Promise<void>

export default class ResourcesList extends ResourcesCommand<readonly ListedRow[]> {
  static override summary = 'List what exists, what it costs, and the work at risk on it.'
  static override description = 'Terminated instances are left out unless --state asks for them. The rows come page by page, the oldest of a page first, unless --sort wants another order.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --platform local',
    '<%= config.bin %> <%= command.id %> --platform aws --all-regions --kind all --sort cost',
    '<%= config.bin %> <%= command.id %> --export html --output-file resources.html',
    "<%= config.bin %> <%= command.id %> --output json | jq '.[] | {id: .id, cost: .estimated_cost}'",
  ]
  static override flags = listFlags

  protected override async init(): Promise<void> {
    this.argv = [...withDefaultValue(this.argv, '--watch', '5s', /^\d/)]
    await super.init()
  }

  protected async execute(): Promise<Streamed> {
    const {flags} = await this.parse(ResourcesList)
    const {export: format, 'output-file': file, watch: everyMs} = flags
    if (format !== undefined && file === undefined && requestedFormat(this.argv) === 'json') {
      throw new RunctlError('bad_input', `--export prints ${format} in place of JSON: give a file for it, or leave one of them out`, {next: [this.again({plus: ['--output-file', `resources.${format}`]})]})
    }
    if (everyMs !== undefined && everyMs < 1000) throw new RunctlError('bad_input', '--watch: at most every second')
    const input = listInput(flags, this.ownerOf(flags))
    const places = await this.places(flags)
    const exported = (): PagedText<ListedRow> => (format === 'html' ? new ResourcesHtml(new Date()) : new ResourcesCsv())
    const pages = (): Pages => listAllResources(input, places)
    const empty = input.kinds.size === 1 && input.kinds.has('instance') ? 'No instances.' : 'No resources.'
    if (everyMs !== undefined) return {print: async write => this.watchPages(pages, empty, everyMs, write)}
    if (format !== undefined && file === undefined) return {print: async write => printText(pages(), exported(), write)}
    return {print: async write => this.show(file === undefined ? pages() : exporting(pages(), exported(), file), empty, write)}
  }

  private async watchPages(pages: () => Pages, empty: string, everyMs: number, write: Write): Promise<void> {
    const {signal} = this
    const json = this.jsonEnabled()
    const screenRows = (): number | null => (process.stdout.isTTY && !json ? process.stdout.rows || 24 : null)
    const tell = ({message}: RunctlError): void => this.progress.emit({type: 'warning', message})
    const look = async (to: Write): Promise<void> => (json ? printJsonLine(pages(), to) : this.show(pages(), empty, to))
    await watch(look, {everyMs, screenRows, bare: json || this.renderEnv.format === 'text'}, {clock: systemClock, signal, write, tell})
    // Ctrl-C is how a watch ends; a signal from elsewhere stays one.
    if (this.detachedBy !== 'SIGINT') signal.throwIfAborted()
  }

  private async show(pages: Pages, empty: string, write: Write): Promise<void> {
    if (this.jsonEnabled()) await printJsonArray(pages, write)
    else await printText(pages, new ResourceListText(this.renderEnv, empty), write)
  }
}
