// What a tab keeps for the person: drafts and dismissed cards. Storage may be missing or
// refused (a sandboxed frame, a strict browser): then nothing is kept and nothing breaks.

export type Place = 'localStorage' | 'sessionStorage';

/** The value kept under `key`, or null. */
export function recall<T>(place: Place, key: string): T | null {
  try {
    const text = globalThis[place].getItem(`chatstream:${key}`);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Keeps `value` under `key`; null removes it. */
export function keep(place: Place, key: string, value: unknown): void {
  try {
    if (value === null) globalThis[place].removeItem(`chatstream:${key}`);
    else globalThis[place].setItem(`chatstream:${key}`, JSON.stringify(value));
  } catch {
    // Full or forbidden: the draft lives as long as the page.
  }
}
