// A chat in which nothing has been said.
import { html, nothing, type TemplateResult } from 'lit';
import { icons } from '../icons.ts';
import type { View } from '../view.ts';

export function emptyView(
  suggestions: readonly string[],
  onChoose: (words: string) => void,
  view: View,
): TemplateResult {
  return html`<div class="empty" part="empty">
    <slot name="empty">
      <div class="empty-mark">${icons.spark}</div>
      <p class="empty-title" dir="auto">${view.texts.get('empty_title')}</p>
      <p class="note" dir="auto">${view.texts.get('empty_text')}</p>
    </slot>
    ${
      suggestions.length === 0
        ? nothing
        : html`<div class="button-row center">
            ${suggestions.map(
              (words) =>
                html`<button
                  type="button"
                  class="suggestion"
                  part="suggestion"
                  dir="auto"
                  @click=${() => onChoose(words)}
                >
                  ${words}
                </button>`,
            )}
          </div>`
    }
  </div>`;
}
