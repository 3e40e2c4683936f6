// The settings of the chat element, as a page writes them: properties, attributes, or `data-*` on the script.
import type { PropertyDeclarations } from 'lit';
import type { StringOverrides } from './strings.ts';
import type { ThinkingMode } from './view.ts';

/** An answer that the operator wrote for the time without a connection. */
export interface OfflineReply {
  /** Words of which one must occur in the message; none: always. */
  readonly words?: readonly string[];
  readonly reply: string;
}

export interface ChatProperties {
  /** The server's API, such as `https://host/api/v1`. */
  server: string;
  /** The chat to open first; empty: the last one of this browser. */
  chat: string;
  /** The name in the header. */
  heading: string;
  placeholder: string;
  /** When to connect. */
  connect: 'mount' | 'first-message';
  /** How the agent's steps are shown. */
  thinking: ThinkingMode;
  /** Show remote images in answers; each is a request to wherever the answer says. */
  images: boolean;
  /** `page`: the list of chats stands at the side. */
  layout: 'panel' | 'page';
  theme: 'auto' | 'light' | 'dark';
  /** `off`: keep nothing of a conversation on this device. */
  cache: 'on' | 'off';
  /** Show a button that asks the page to close the chat (`chatstream-close`). */
  closable: boolean;
  /** Let the connection go after so many milliseconds without a message; 0: never. */
  idleCloseMs: number;
  /** Replacements for texts, by key. */
  strings: StringOverrides;
  /** First messages to choose from in an empty chat. */
  suggestions: readonly string[];
  offlineReplies: readonly OfflineReply[];
  /** A token of the host application, fresh at each call; a property only. */
  getToken: (() => Promise<string> | string) | undefined;
}

/** The same for Lit: which attribute each has and how it is read. */
export const properties: PropertyDeclarations = {
  server: {},
  chat: {},
  heading: {},
  placeholder: {},
  connect: {},
  thinking: {},
  images: { type: Boolean },
  layout: { reflect: true },
  theme: { reflect: true },
  cache: {},
  closable: { type: Boolean },
  idleCloseMs: { type: Number, attribute: 'idle-close-ms' },
  strings: { attribute: 'strings', converter: jsonConverter({}) },
  suggestions: { converter: jsonConverter([]) },
  offlineReplies: { attribute: 'offline-replies', converter: jsonConverter([]) },
};

/** The reply to `content`, the first that fits, or null. */
export function offlineReplyTo(content: string, replies: readonly OfflineReply[]): string | null {
  const said = content.toLocaleLowerCase();
  const fits = ({ words = [] }: OfflineReply) =>
    words.length === 0 || words.some((word) => said.includes(word.toLocaleLowerCase()));
  return replies.find(fits)?.reply ?? null;
}

function jsonConverter(fallback: unknown): { fromAttribute: (text: string | null) => unknown } {
  return {
    fromAttribute: (text) => {
      try {
        return text === null ? fallback : (JSON.parse(text) as unknown);
      } catch {
        return fallback;
      }
    },
  };
}
