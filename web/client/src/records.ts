// Small things on plain objects.

/** Without the fields that hold nothing: an absent field stays absent. */
export function clean<T extends object>(record: { [F in keyof T]: T[F] | undefined }): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null)) as T;
}

/** Each value changed by `change`. */
export function mapped<T, U = T>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
