// A React component around `<chatstream-chat>`. React is the caller's: it is handed in, so that
// this file needs no copy of it.
//
//   import * as React from 'react';
//   import { chatstreamReact } from 'chatstream-react';
//   const Chat = chatstreamReact(React);
//   <Chat server="https://host/api/v1" getToken={token} onAnswer={...} />
import { ChatElement } from './chat-element.ts';
import type { ChatProperties } from './options.ts';

export type ChatProps = Partial<ChatProperties> & {
  readonly className?: string;
  readonly onAnswer?: (event: CustomEvent<number>) => void;
  readonly onSignIn?: (event: CustomEvent) => void;
};

/** The part of React that is used. */
export interface ReactLike<Node> {
  createElement(tag: string, props: Record<string, unknown>): Node;
  useRef<T>(initial: T | null): { current: T | null };
  useLayoutEffect(effect: () => (() => void) | void): void;
}

const EVENTS = { onAnswer: 'chatstream-answer', onSignIn: 'chatstream-sign-in' } as const;

/** The component, made with the caller's React. */
export function chatstreamReact<Node>(React: ReactLike<Node>): (props: ChatProps) => Node {
  return function Chatstream({ className, onAnswer, onSignIn, ...properties }) {
    const ref = React.useRef<ChatElement>(null);
    // Before the browser paints: the element makes its client, by its settings, a moment after it is put in.
    React.useLayoutEffect(() => {
      const element = ref.current;
      if (!element) return;
      Object.assign(element, properties);
      return listen(element, { onAnswer, onSignIn });
    });
    return React.createElement('chatstream-chat', { ref, class: className });
  };
}

type Listeners = { readonly [K in keyof typeof EVENTS]: ChatProps[K] | undefined };

function listen(element: ChatElement, listeners: Listeners): () => void {
  const stop = new AbortController();
  for (const name of Object.keys(EVENTS) as (keyof typeof EVENTS)[]) {
    const listener = listeners[name] as EventListener | undefined;
    if (listener) element.addEventListener(EVENTS[name], listener, { signal: stop.signal });
  }
  return () => stop.abort();
}
