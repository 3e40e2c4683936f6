// The full page that the server shows at its root: the widget over the whole window. Where the API
// is and what may be said first are attributes that the server puts in.
import './chat-element.ts';
import type { ChatElement } from './chat-element.ts';

const chat = document.querySelector<ChatElement>('chatstream-chat');

// Whoever looks at another tab sees how many answers came: a reminder may speak at any time.
const title = document.title;
let unseen = 0;
const tell = (count: number) => {
  unseen = count;
  document.title = count > 0 ? `(${count}) ${title}` : title;
};
chat?.addEventListener('chatstream-answer', (event) => {
  if (document.hidden) tell(unseen + (event as CustomEvent<number>).detail);
});
document.addEventListener('visibilitychange', () => document.hidden || tell(0));

// The page is nothing but the chat: who comes here wants to write. Not on touch screens, where a
// keyboard would cover the page at once.
if (chat && matchMedia('(pointer: fine)').matches) {
  void customElements
    .whenDefined('chatstream-chat')
    .then(() => chat.updateComplete)
    .then(() => chat.focus());
}
