// What the person said: stored, on its way, or refused.
import { html, nothing, type TemplateResult } from 'lit';
import type { ChatState, ComponentSubmittedEvent, Outgoing, UserEvent } from '../../../client/src/types.ts';
import { clockTime } from '../format.ts';
import { icons } from '../icons.ts';
import type { View } from '../view.ts';
import { copyButton, messageTime } from './message-parts.ts';

export function userView(event: UserEvent, queued: boolean, view: View): TemplateResult {
  if (event.erased) return html`<p class="entry note end">${view.texts.get('erased')}</p>`;
  const content = event.content ?? '';
  const footer = html`${copyButton(content, view)} ${messageTime(event.timestamp, view)}
  ${queued ? html`<span class="note">${view.texts.get('queued')}</span>` : nothing}`;
  return bubble(content, event.timestamp, footer, view);
}

/** A chosen button reads like an answer; a form shows its own summary instead. */
export function submittedView(event: ComponentSubmittedEvent, chat: ChatState, view: View): TemplateResult {
  const label = chosenLabel(event, chat);
  if (label === null) return html`<span class="entry" hidden></span>`;
  return bubble(label, event.timestamp, messageTime(event.timestamp, view), view);
}

function chosenLabel(event: ComponentSubmittedEvent, chat: ChatState): string | null {
  const shown = chat.events.find(
    (candidate) => candidate.type === 'component' && candidate.component_id === event.component_id,
  );
  if (shown?.type !== 'component' || shown.kind !== 'buttons') return null;
  const value = event.values?.['value'];
  return shown.options?.find((option) => option.value === value)?.label ?? null;
}

/** A command that is not in the log yet. */
export function outgoingView(
  outgoing: Outgoing,
  view: View,
  offlineReply: (content: string) => string | null,
): TemplateResult {
  const { command } = outgoing;
  if (command.type !== 'send') return noticeView(outgoing, view);
  const madeAt = new Date(outgoing.made_at).toISOString();
  const reply = outgoing.status === 'waiting' ? offlineReply(command.content) : null;
  return html`${bubble(command.content, madeAt, sendState(outgoing, view), view, outgoing.status)}
  ${reply === null ? nothing : offlineReplyView(reply, view)}`;
}

function bubble(content: string, at: string, footer: unknown, view: View, status = 'stored'): TemplateResult {
  const label = `${view.texts.get('you')}, ${clockTime(at, view.texts.locale)}`;
  return html`<article class="entry message user ${status}" part="message user-message" aria-label=${label}>
    <div class="bubble" part="bubble" dir="auto">${content}</div>
    <footer>${footer}</footer>
  </article>`;
}

function sendState(outgoing: Outgoing, view: View): TemplateResult {
  const { texts } = view;
  switch (outgoing.status) {
    case 'waiting':
      return html`<span class="note">${texts.get('waiting')}</span>`;
    case 'sending':
    case 'sent':
      return html`<span class="note">${texts.get('sending')}</span>`;
    case 'failed':
      return html`<span class="note bad">${icons.alert}${failureText(outgoing, view)}</span>
        ${failureButtons(outgoing, view)}`;
  }
}

function failureText({ error }: Outgoing, view: View): string {
  if (error?.code === 'expired') return view.texts.get('expired');
  if (error?.code === 'too_large') return view.texts.get('composer_too_long');
  return error?.message ? `${view.texts.get('not_sent')}: ${error.message}` : view.texts.get('not_sent');
}

function failureButtons({ command }: Outgoing, view: View): TemplateResult {
  const { texts, actions } = view;
  return html`<button type="button" class="link" @click=${() => actions.resend(command.id)}>
      ${texts.get('send_again')}
    </button>
    <button type="button" class="link" @click=${() => actions.discard(command.id)}>
      ${texts.get('discard')}
    </button>`;
}

// A refused command other than a message (a retry, a resume): a line that can be put away.
function noticeView({ command, error }: Outgoing, view: View): TemplateResult {
  const { texts, actions } = view;
  return html`<div class="entry error" part="error" role="alert">
    ${icons.alert}
    <div><p dir="auto">${error?.message || texts.get('error')}</p></div>
    <button type="button" class="link" @click=${() => actions.discard(command.id)}>
      ${texts.get('discard')}
    </button>
  </div>`;
}

function offlineReplyView(reply: string, view: View): TemplateResult {
  return html`<article
    class="entry message assistant canned"
    part="message offline-reply"
    aria-label=${view.texts.get('offline_reply')}
  >
    <p class="note">${icons.offline}${view.texts.get('offline_reply')}</p>
    <p dir="auto">${reply}</p>
  </article>`;
}
