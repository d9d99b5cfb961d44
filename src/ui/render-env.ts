/** What a renderer may know of the world. Renderers are pure: the same result and env give the same text. */
export interface RenderEnv {
  /** `table`: aligned, fitted to `width`, for people. `text`: tab-separated, whole values, for `cut` and `awk`. */
  readonly format: 'table' | 'text'
  /** Columns of the terminal; Infinity where nothing needs to fit. */
  readonly width: number
  readonly color: boolean
  /** Ages are counted from here. */
  readonly now: Date
}
