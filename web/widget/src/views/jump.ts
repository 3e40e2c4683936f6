// The way back to the end of the conversation, with how much came in meanwhile.
import { html, nothing, type TemplateResult } from 'lit';
import { icons } from '../icons.ts';
import type { View } from '../view.ts';

export function jumpView(
  attached: boolean,
  unread: number,
  onJump: () => void,
  view: View,
): TemplateResult | typeof nothing {
  if (attached) return nothing;
  const label = unread > 0 ? view.texts.count('new_messages', unread) : view.texts.get('jump_to_latest');
  return html`<button type="button" class="jump ${unread > 0 ? 'unread' : ''}" part="jump" @click=${onJump}>
    ${icons.down}<span>${label}</span>
  </button>`;
}
