// Past chats, newest first, with a badge on those whose task is not finished.
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { ChatSummary } from '../../../client/src/types.ts';
import { humanName, timeAgo } from '../format.ts';
import { icons } from '../icons.ts';
import type { View } from '../view.ts';

export interface ChatListProps {
  /** null: not loaded yet; `failed`: could not be. */
  readonly chats: readonly ChatSummary[] | 'failed' | null;
  readonly currentId: string;
  readonly onClose: () => void;
}

export function chatListView(props: ChatListProps, view: View): TemplateResult {
  const { texts, actions } = view;
  return html`<nav class="list" part="chat-list" aria-label=${texts.get('chats')}>
    <div class="list-head">
      <p class="list-title">${texts.get('chats')}</p>
      <button
        type="button"
        class="tool list-close"
        aria-label=${texts.get('close_list')}
        @click=${props.onClose}
      >
        ${icons.close}
      </button>
    </div>
    <button type="button" class="new-chat" @click=${() => actions.openChat(null)}>
      ${icons.plus}<span>${texts.get('new_chat')}</span>
    </button>
    ${listBody(props, view)}
  </nav>`;
}

function listBody({ chats, currentId }: ChatListProps, view: View): TemplateResult {
  if (chats === null) return html`<p class="note pad">${view.texts.get('loading')}</p>`;
  if (chats === 'failed') return html`<p class="note pad">${view.texts.get('chats_failed')}</p>`;
  if (chats.length === 0) return html`<p class="note pad">${view.texts.get('no_chats')}</p>`;
  // A chat in which nothing was said is worth a line only while it is open here.
  const shown = chats.filter((chat) => chat.title !== null || chat.user_chat_id === currentId);
  // Keyed: a list that is loaded anew while a row is pressed must not hand the press to another chat.
  return html`<ul>
    ${repeat(shown, chatKey, (chat) => html`<li>${chatRow(chat, currentId, view)}</li>`)}
  </ul>`;
}

const chatKey = (chat: ChatSummary): string => chat.user_chat_id;

function chatRow(chat: ChatSummary, currentId: string, view: View): TemplateResult {
  const { texts, actions } = view;
  const unfinished = chat.status === 'open' && chat.intent !== null && chat.intent.status !== 'complete';
  return html`<button
    type="button"
    class="chat-row"
    part="chat-row"
    aria-current=${chat.user_chat_id === currentId ? 'true' : nothing}
    @click=${() => actions.openChat(chat.user_chat_id)}
  >
    <span class="chat-name" dir="auto">${chatName(chat, view)}</span>
    <span class="chat-meta">
      <time datetime=${chat.last_activity_at}
        >${timeAgo(chat.last_activity_at, texts.locale, Date.now())}</time
      >
      ${unfinished ? html`<span class="badge" part="badge">${texts.get('unfinished')}</span>` : nothing}
    </span>
  </button>`;
}

function chatName(chat: ChatSummary, view: View): string {
  if (chat.title) return chat.title;
  return chat.intent?.name ? humanName(chat.intent.name) : view.texts.get('untitled_chat');
}
