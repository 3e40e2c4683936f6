// @vitest-environment happy-dom
import { render } from 'lit';
import { expect, test, vi } from 'vitest';
import type { ChatSummary } from '../../client/src/types.ts';
import { Texts } from '../src/strings.ts';
import type { View } from '../src/view.ts';
import { chatListView } from '../src/views/chat-list.ts';

function summary(user_chat_id: string): ChatSummary {
  const last_activity_at = '2026-11-23T04:10:00.123Z';
  return { user_chat_id, status: 'open', title: user_chat_id, position: 1, intent: null, last_activity_at };
}

test('a row belongs to its chat, also when the list is loaded anew with another chat above it', () => {
  const openChat = vi.fn();
  const actions = { openChat } as unknown as View['actions'];
  const view: View = { texts: new Texts('en'), thinking: 'auto', images: false, chatId: '', actions };
  const container = document.createElement('div');
  const show = (...ids: string[]): void => {
    render(chatListView({ chats: ids.map(summary), currentId: '', onClose: () => undefined }, view), container);
  };
  show('old');
  const row = container.querySelector<HTMLButtonElement>('.chat-row');
  show('new', 'old');
  row?.click();
  expect(openChat.mock.calls).toEqual([['old']]);
});
