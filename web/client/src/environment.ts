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
  const attempt =
    (method: keyof Store) =>
    (...args: [string, string?]): any => {
      try {
        return (globalThis[name][method] as (...all: unknown[]) => unknown)(...args);
      } catch {
        return null;
      }
    };
  return { getItem: attempt('getItem'), setItem: attempt('setItem') };
}

/** 128 random bits. Not `crypto.randomUUID`: pages on plain http do not have it. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('');
}
