// Where a person writes.
import { css } from 'lit';

export const composer = css`
  .composer {
    position: relative;
    display: flex;
    align-items: flex-end;
    gap: 8px;
    padding: 10px var(--space) var(--space);
    padding-block-end: max(var(--space), env(safe-area-inset-bottom));
  }
  .composer textarea {
    flex: 1;
    min-width: 0;
    min-height: 46px;
    max-height: 180px;
    padding: 11px 52px 11px 16px;
    font: inherit;
    font-size: max(16px, 1em);
    line-height: 1.4;
    color: var(--text);
    background: var(--background);
    border: 1px solid color-mix(in srgb, var(--muted) 50%, var(--background));
    border-radius: calc(var(--radius) + 9px);
    resize: none;
    box-shadow: var(--shadow);
  }
  .chat:dir(rtl) .composer textarea {
    padding: 11px 16px 11px 52px;
  }
  .composer textarea::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  .composer textarea:focus-visible {
    outline-offset: 0;
    border-color: transparent;
  }
  .composer .round {
    position: absolute;
    inset-inline-end: calc(var(--space) + 5px);
    inset-block-end: calc(max(var(--space), env(safe-area-inset-bottom)) + 5px);
    width: 36px;
    height: 36px;
    min-height: 36px;
    padding: 0;
    border-radius: 50%;
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
  }
  .composer .round[aria-disabled='true'] {
    background: var(--surface);
    color: var(--muted);
  }
  .composer.closed {
    align-items: center;
    justify-content: space-between;
    border-block-start: 1px solid var(--border);
  }
  @media (forced-colors: active) {
    .composer .round {
      border-color: ButtonText;
    }
  }
`;
