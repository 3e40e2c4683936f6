// Small pieces that several messages share: the time and the copy button.
import { html, type TemplateResult } from 'lit';
import { clockTime, fullTime } from '../format.ts';
import { icons } from '../icons.ts';
import { copyText } from '../clipboard.ts';
import type { View } from '../view.ts';

export function messageTime(timestamp: string, view: View): TemplateResult {
  const { locale } = view.texts;
  return html`<time datetime=${timestamp} title=${fullTime(timestamp, locale)}
    >${clockTime(timestamp, locale)}</time
  >`;
}

export function copyButton(
  text: string,
  view: View,
  label: 'copy' | 'copy_details' = 'copy',
): TemplateResult {
  const name = view.texts.get(label);
  const onClick = (event: Event) => void copyFrom(event.currentTarget as HTMLButtonElement, text, view, name);
  return html`<button
    type="button"
    class="tool"
    part="copy"
    aria-label=${name}
    title=${name}
    @click=${onClick}
  >
    ${icons.copy}
  </button>`;
}

async function copyFrom(button: HTMLButtonElement, text: string, view: View, name: string): Promise<void> {
  await copyText(text, button);
  const say = (words: string) => {
    button.setAttribute('aria-label', words);
    button.title = words;
  };
  button.classList.add('done');
  say(view.texts.get('copied'));
  setTimeout(() => {
    button.classList.remove('done');
    say(name);
  }, 2000);
}
