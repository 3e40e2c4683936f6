// One line about the connection, only when there is something to say; typing goes on beneath it.
import { html, nothing, type TemplateResult } from 'lit';
import type { ClosedReason, ConnectionState } from '../../../client/src/types.ts';
import { icons } from '../icons.ts';
import type { StringKey } from '../strings.ts';
import type { View } from '../view.ts';

export interface BannerProps {
  readonly connection: ConnectionState;
  /** The connection has been away for longer than a blink. */
  readonly down: boolean;
  /** What is on the screen comes from this device. */
  readonly cached: boolean;
  readonly onRetry: () => void;
  readonly onSignIn: () => void;
}

/** The status region is always there, so that a screen reader hears its text change. */
export function bannerView(props: BannerProps, view: View): TemplateResult {
  const key = bannerText(props);
  return html`<div role="status" class="banner ${key ?? 'quiet'}" part="banner">
    ${
      key === null
        ? nothing
        : html`${icons.offline}<span class="banner-text">${words(key, props, view)}</span>
            ${bannerButton(key, props, view)}`
    }
  </div>`;
}

function bannerText({ connection, down }: BannerProps): StringKey | null {
  switch (connection.status) {
    case 'closed':
      return closedText(connection.reason);
    case 'offline':
      return down ? 'offline' : null;
    case 'waiting':
    case 'connecting':
    case 'catching_up':
      return down ? 'reconnecting' : null;
    case 'idle':
    case 'live':
      return null;
  }
}

function closedText(reason: ClosedReason): StringKey | null {
  switch (reason) {
    case 'left':
      return null;
    case 'unauthenticated':
      return 'signed_out';
    case 'protocol':
      return 'update_needed';
    case 'not_found':
      return 'chat_not_found';
  }
}

// The countdown changes every second; only the sentence without it is for screen readers.
function words(key: StringKey, { connection, cached }: BannerProps, view: View): TemplateResult {
  const { texts } = view;
  const note = cached && key !== 'signed_out' ? ` ${texts.get('cached')}` : '';
  if (connection.status !== 'waiting') return html`${texts.get(key)}${note}`;
  const seconds = Math.max(1, Math.ceil((connection.retry_at - Date.now()) / 1000));
  return html`<span aria-hidden="true">${texts.get('reconnecting_in', { seconds })}${note}</span>
    <span class="offscreen">${texts.get(key)}${note}</span>`;
}

function bannerButton(key: StringKey, props: BannerProps, view: View): TemplateResult | typeof nothing {
  const button = (label: StringKey, onClick: () => void) =>
    html`<button type="button" class="link" @click=${onClick}>${view.texts.get(label)}</button>`;
  if (key === 'signed_out') return button('sign_in', props.onSignIn);
  if (key === 'update_needed') return button('reload', () => location.reload());
  if (key === 'chat_not_found') return button('new_chat', () => view.actions.openChat(null));
  return button('retry_now', props.onRetry);
}
