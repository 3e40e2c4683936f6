// The few pictures the widget needs, drawn in the text's colour and hidden from screen readers.
import { svg, type TemplateResult } from 'lit';

function icon(path: TemplateResult): TemplateResult {
  return svg`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor"
    stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${path}</svg>`;
}

export const icons = {
  send: icon(svg`<path d="M12 19V5M6 11l6-6 6 6"/>`),
  stop: icon(svg`<rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor"/>`),
  chat: icon(svg`<path d="M20 12a7.5 7.5 0 0 1-7.5 7.5H4.5l1.7-2.9A7.5 7.5 0 1 1 20 12Z"/>`),
  close: icon(svg`<path d="M6 6l12 12M18 6L6 18"/>`),
  bell: icon(svg`<path d="M18 16v-5a6 6 0 0 0-12 0v5l-2 2h16ZM10 21h4"/>`),
  list: icon(svg`<path d="M4 7h16M4 12h16M4 17h10"/>`),
  plus: icon(svg`<path d="M12 5v14M5 12h14"/>`),
  down: icon(svg`<path d="M12 5v14M6 13l6 6 6-6"/>`),
  copy: icon(
    svg`<rect x="9" y="9" width="11" height="11" rx="2.5"/><path d="M5 15V6.5A2.5 2.5 0 0 1 7.5 4H15"/>`,
  ),
  check: icon(svg`<path d="M5 12.5l4.5 4.5L19 7.5"/>`),
  alert: icon(svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 8v4.5M12 16h.01"/>`),
  retry: icon(svg`<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15"/>`),
  chevron: icon(svg`<path d="M9 6l6 6-6 6"/>`),
  pause: icon(svg`<path d="M9 6v12M15 6v12"/>`),
  spark: icon(
    svg`<path d="M12 4l1.7 5.1a2 2 0 0 0 1.2 1.2L20 12l-5.1 1.7a2 2 0 0 0-1.2 1.2L12 20l-1.7-5.1a2 2 0 0 0-1.2-1.2L4 12l5.1-1.7a2 2 0 0 0 1.2-1.2L12 4Z"/>`,
  ),
  offline: icon(
    svg`<path d="M4 4l16 16M8.5 16a5 5 0 0 1 6.5-.4M5 12.4a10 10 0 0 1 4.2-2.5M19 12.4a10 10 0 0 0-5.8-2.8M12 19.5h.01"/>`,
  ),
} as const;
