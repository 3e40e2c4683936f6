// What every view is given: the words, the settings, and what a person may do.
import type { Values } from '../../client/src/types.ts';
import type { Texts } from './strings.ts';

export type ThinkingMode = 'auto' | 'open' | 'closed' | 'hidden';

export interface Actions {
  submit(componentId: string, values: Values): void;
  retry(messageId: string): void;
  resend(id: string): void;
  discard(id: string): void;
  resumeTask(intentId: string): void;
  startOver(intentId: string): void;
  dismissTask(intentId: string): void;
  /** Shows the chat `chatId`; null: a new one. */
  openChat(chatId: string | null): void;
}

export interface View {
  readonly texts: Texts;
  readonly thinking: ThinkingMode;
  readonly images: boolean;
  readonly chatId: string;
  readonly actions: Actions;
}

/** A custom element of ours: defined once, however often the script is loaded. */
export function define(name: string, constructor: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, constructor);
}
