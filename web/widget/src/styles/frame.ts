// The frame: header, banner, the list of chats, the empty chat, the resume card.
import { css } from 'lit';

export const frame = css`
  :host {
    height: 100%;
    min-height: 0;
    container: chat / inline-size;
  }
  .chat {
    position: relative;
    display: flex;
    height: 100%;
    min-height: 0;
    overflow: hidden;
    border-radius: inherit;
  }
  .main {
    flex: 1;
    min-width: 0;
    display: flex;
    flex-direction: column;
  }
  .header {
    display: flex;
    align-items: center;
    gap: 6px;
    padding: 10px 12px;
    padding-block-start: max(10px, env(safe-area-inset-top));
    border-block-end: 1px solid var(--border);
    background: var(--background);
  }
  .header-text {
    flex: 1;
    min-width: 0;
    padding-inline: 4px;
  }
  .title {
    font-weight: 620;
    line-height: 1.35;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .task {
    display: flex;
    align-items: center;
    gap: 6px;
    font-size: var(--small);
    line-height: 1.35;
    color: var(--link);
  }
  /* Cut at the end of its own direction. */
  .task bdi {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .task::before {
    content: '';
    flex: none;
    width: 7px;
    height: 7px;
    border-radius: 50%;
    background: var(--accent);
  }

  .banner {
    display: flex;
    flex: none;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 8px;
    max-height: 35%;
    overflow: auto;
    padding: 8px var(--space);
    font-size: var(--small);
    background: light-dark(#fff6e0, #3a2f14);
    color: light-dark(#5c4300, #ffe3a3);
    border-block-end: 1px solid light-dark(#f0dfb1, #5a4a1f);
  }
  .banner.quiet {
    padding: 0;
    border: 0;
  }
  .banner-text {
    flex: 1 1 9em;
    min-width: 0;
  }
  .banner button.link {
    color: inherit;
    font-weight: 600;
    white-space: nowrap;
  }
  .banner.signed_out,
  .banner.update_needed {
    background: light-dark(#fdeceb, #43211e);
    color: light-dark(#7c1a14, #ffd9d4);
    border-color: light-dark(#f3cfcc, #6a332e);
  }

  .stage {
    position: relative;
    flex: 1;
    min-height: 0;
    display: flex;
    flex-direction: column;
  }
  .empty {
    position: absolute;
    inset: 0;
    z-index: 1;
    display: flex;
    flex-direction: column;
    align-items: center;
    justify-content: safe center;
    gap: 8px;
    padding: calc(var(--space) * 1.5);
    text-align: center;
    overflow: auto;
  }
  .empty-mark {
    display: grid;
    place-items: center;
    width: 56px;
    height: 56px;
    margin-block-end: 8px;
    border-radius: 50%;
    background: var(--soft);
    color: var(--accent);
  }
  .empty-mark .icon {
    width: 28px;
    height: 28px;
  }
  .empty-title {
    font-size: 1.3em;
    font-weight: 640;
    letter-spacing: -0.01em;
  }
  .button-row {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  .button-row.center {
    justify-content: center;
    margin-block-start: 14px;
  }
  .suggestion {
    border-radius: 999px;
    padding-inline: 16px;
  }

  .jump {
    position: absolute;
    inset-block-end: 12px;
    inset-inline: 0;
    margin-inline: auto;
    width: fit-content;
    z-index: 1;
    border-radius: 999px;
    box-shadow: var(--shadow);
    font-size: var(--small);
  }
  .jump.unread {
    background: var(--accent);
    color: var(--on-accent);
    border-color: transparent;
  }

  .resume {
    margin: 0 var(--space);
    width: auto;
    max-height: 46%;
    overflow: auto;
    padding: 14px;
    border: 1px solid color-mix(in srgb, var(--accent) 32%, var(--border));
    border-radius: var(--radius);
    background: color-mix(in srgb, var(--accent) 5%, var(--background));
  }
  .resume-heading {
    display: flex;
    align-items: center;
    gap: 6px;
    color: var(--link);
    font-size: var(--small);
    font-weight: 600;
  }
  .resume-task {
    display: grid;
    gap: 6px;
    padding-block-start: 6px;
  }
  .resume-task + .resume-task {
    margin-block-start: 12px;
    padding-block-start: 12px;
    border-block-start: 1px solid var(--border);
  }
  .resume-name {
    font-weight: 620;
    font-size: 1.05em;
    overflow-wrap: anywhere;
  }
  .resume-question {
    padding-inline-start: 10px;
    border-inline-start: 3px solid color-mix(in srgb, var(--accent) 40%, transparent);
  }
  .resume .button-row {
    margin-block-start: 6px;
  }
  .resume .more {
    margin-block-start: 8px;
    font-size: var(--small);
  }
  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 18px;
  }
  .facts > div {
    display: flex;
    gap: 6px;
    min-width: 0;
  }
  .facts dt {
    color: var(--muted);
  }
  .facts dt::after {
    content: ':';
  }
  .facts dd {
    font-weight: 550;
    overflow-wrap: anywhere;
  }

  .aside {
    position: absolute;
    inset-block: 0;
    inset-inline-start: 0;
    z-index: 3;
    display: none;
    width: min(300px, 86%);
    background: var(--background);
    border-inline-end: 1px solid var(--border);
    box-shadow: var(--shadow);
    overflow: auto;
  }
  .aside.open {
    display: block;
  }
  .scrim {
    position: absolute;
    inset: 0;
    z-index: 2;
    background: rgb(10 12 20 / 32%);
  }
  .list {
    display: grid;
    gap: 10px;
    padding: 12px;
  }
  .list-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    min-height: 36px;
  }
  .list-title {
    font-weight: 620;
    padding-inline-start: 6px;
  }
  .list ul {
    display: grid;
    gap: 2px;
  }
  .pad {
    padding-inline: 8px;
  }
  .chat-row {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    justify-items: start;
    gap: 2px;
    width: 100%;
    padding: 8px 10px;
    border-color: transparent;
    background: none;
    text-align: start;
  }
  .chat-row[aria-current] {
    background: var(--soft);
  }
  .chat-name {
    max-width: 100%;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .chat-meta {
    display: flex;
    gap: 8px;
    align-items: center;
    color: var(--muted);
    font-size: var(--small);
  }
  .badge {
    padding: 0 8px;
    border-radius: 999px;
    background: light-dark(#fff1cf, #3a2f14);
    color: light-dark(#5c4300, #ffe3a3);
    font-size: 0.92em;
  }

  :host([layout='page']) .log-inner,
  :host([layout='page']) .resume,
  :host([layout='page']) .composer {
    width: 100%;
    max-width: 760px;
    margin-inline: auto;
  }
  :host([layout='page']) .resume {
    max-width: calc(760px - 2 * var(--space));
  }
  :host([layout='page']) .message.assistant {
    max-width: 100%;
  }
  @container chat (min-width: 900px) {
    :host([layout='page']) .aside {
      position: static;
      display: block;
      flex: none;
      width: 272px;
      box-shadow: none;
      background: var(--surface);
    }
    :host([layout='page']) :is(.list-toggle, .list-close, .scrim) {
      display: none;
    }
  }
  @container chat (max-width: 820px) {
    :host([layout='page']) .resume {
      width: auto;
      margin-inline: var(--space);
    }
  }
`;
