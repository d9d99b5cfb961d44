/** Text of rows that come page by page: what stands before them, a piece for each page, what stands below. Pieces bring their line feeds. Holds no rows. */
export interface PagedText<R> {
  begin(): string
  page(rows: readonly R[]): string
  end(): string
}
