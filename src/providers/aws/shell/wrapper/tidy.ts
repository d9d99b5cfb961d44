/** Old requests are cleared away by new ones. */
export const TIDY = `
# ---- Tidy -----------------------------------------------------------------------------------------------------------
# At most once an hour. A result is kept for an hour, for whoever fetches the rest of it; a guard for six days, which is
# longer than AWS delivers anything.
tidy() {
  for place in $work_places; do
    if [ -O "$place" ] && [ -z "$(find "$place/.tidied" -mmin -60)" ]; then
      touch "$place/.tidied"
      find "$place" -name result -mmin +60 | sed 's,/result$,,' | xargs rm -rf
      find "$place" -mindepth 1 -maxdepth 1 -mtime +6 -exec rm -rf {} +
    fi
  done
}
`
