// The full page that the server shows at its root: the widget over the whole window. The API's
// address stands in a `meta` element where the prefix is not the default.
import './chat-element.ts';
import type { ChatElement } from './chat-element.ts';

const prefix = document.querySelector<HTMLMetaElement>('meta[name="chatstream-prefix"]')?.content;
const chat = document.querySelector<ChatElement>('chatstream-chat');
if (chat && prefix) chat.server = prefix;
// The page is nothing but the chat: who comes here wants to write. Not on touch screens, where a
// keyboard would cover the page at once.
if (chat && matchMedia('(pointer: fine)').matches) {
  void customElements
    .whenDefined('chatstream-chat')
    .then(() => chat.updateComplete)
    .then(() => chat.focus());
}
