// The top line: the chat's name and the task in hand with what it waits for.
import { html, nothing, type TemplateResult } from 'lit';
import type { ChatState } from '../../../client/src/types.ts';
import { icons } from '../icons.ts';
import { currentTask, taskName, waitingFor } from '../task.ts';
import type { Entry } from '../timeline.ts';
import type { View } from '../view.ts';

export interface HeaderProps {
  readonly chat: ChatState | null;
  readonly entries: readonly Entry[];
  readonly heading: string;
  readonly closable: boolean;
  readonly listOpen: boolean;
  readonly onToggleList: () => void;
  readonly onClose: () => void;
}

export function headerView(props: HeaderProps, view: View): TemplateResult {
  const { texts, actions } = view;
  return html`<div class="header" part="header">
    <button
      type="button"
      class="tool list-toggle"
      aria-label=${texts.get('chats')}
      title=${texts.get('chats')}
      aria-expanded=${String(props.listOpen)}
      @click=${props.onToggleList}
    >
      ${icons.list}
    </button>
    <div class="header-text">
      <slot name="header"
        ><p class="title"><bdi>${props.heading || texts.get('assistant')}</bdi></p></slot
      >
      ${taskChip(props, view)}
    </div>
    <button
      type="button"
      class="tool"
      aria-label=${texts.get('new_chat')}
      title=${texts.get('new_chat')}
      @click=${() => actions.openChat(null)}
    >
      ${icons.plus}
    </button>
    ${
      props.closable
        ? html`<button
            type="button"
            class="tool"
            part="close"
            aria-label=${texts.get('close_chat')}
            title=${texts.get('close_chat')}
            @click=${props.onClose}
          >
            ${icons.close}
          </button>`
        : nothing
    }
  </div>`;
}

function taskChip({ chat, entries }: HeaderProps, view: View): TemplateResult | typeof nothing {
  const intent = chat ? currentTask(chat) : null;
  if (!chat || !intent) return nothing;
  const task = taskName(intent, view.texts);
  const missing = waitingFor(chat, intent, entries);
  const words = missing ? view.texts.get('task_waiting', { task, missing }) : task;
  return html`<p class="task" part="task" title=${words}>
    <span class="offscreen">${view.texts.get('task')}: </span><bdi>${words}</bdi>
  </p>`;
}
