// Small things on plain objects.

/** Without the fields that hold nothing: an absent field stays absent. */
export function clean<T extends object>(record: { [F in keyof T]: T[F] | undefined }): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null)) as T;
}

/** A record with the entries of `of` that inherits nothing: ids and names are anybody's, `constructor` and `__proto__` too. */
export function bare<T>(of?: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null), of);
}

/** Each value changed by `change`. */
export function mapped<T>(record: Record<string, T>, change: (value: T) => T): Record<string, T> {
  const next = bare(record);
  for (const key in next) next[key] = change(next[key]!);
  return next;
}
