// Everything of the browser that the client touches, in one place, so that a test can hand in its own.

/** The part of `Storage` that is used. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Environment {
  WebSocket: typeof WebSocket | undefined;
  fetch: typeof fetch;
  /** 0 to 1, for the jitter. */
  random: () => number;
  /** Survives the browser: visitor token and last chat. */
  local: Store;
  /** Survives a reload of this tab: the outbox. */
  session: Store;
  /** Where `online`, `offline`, `visibilitychange` and `pageshow` arrive. */
  page: EventTarget | undefined;
  online: () => boolean;
  visible: () => boolean;
}
