// Everything of the browser that the client touches, in one place, so that a test can hand in its own.

/** The part of `Storage` that is used. */
export type Store = Pick<Storage, 'getItem' | 'setItem'>;

export interface Environment {
  /** Absent: server-sent events, after two attempts. */
  WebSocket: typeof WebSocket | undefined;
  fetch: typeof fetch;
  /** Survives the browser: visitor token and last chat. */
  local: Store;
  /** Survives a reload of this tab: the outbox. */
  session: Store;
  /** Where `online`, `offline`, `visibilitychange`, `pageshow` and `storage` arrive. */
  page: EventTarget | undefined;
  online: () => boolean;
  visible: () => boolean;
}

/** The browser's own. */
export function browser(): Environment {
  const { document, navigator, window, WebSocket } = globalThis;
  return {
    WebSocket,
    fetch: fetch.bind(globalThis),
    local: stored('localStorage'),
    session: stored('sessionStorage'),
    // `visibilitychange` bubbles from the document to the window.
    page: window,
    online: () => navigator?.onLine !== false,
    visible: () => !document?.hidden,
  };
}

// Where storage is forbidden or full, the chat goes on and only a reload forgets.
function stored(name: 'localStorage' | 'sessionStorage'): Store {
  return {
    getItem: (key) => attempt(() => globalThis[name].getItem(key)),
    setItem: (key, value) => void attempt(() => globalThis[name].setItem(key, value)),
  };
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

/** 128 random bits. Not `crypto.randomUUID`: pages on plain http do not have it. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('');
}
