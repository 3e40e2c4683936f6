// The button at the corner and its panel; on a phone the panel is the screen.
import { css } from 'lit';

export const launcher = css`
  :host {
    position: fixed;
    inset-block-end: max(20px, env(safe-area-inset-bottom));
    inset-inline-end: 20px;
    z-index: 2147483000;
    width: auto;
    height: auto;
    background: none;
  }
  :host([side='start']) {
    inset-inline: 20px auto;
  }
  .launch {
    position: relative;
    width: 58px;
    height: 58px;
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: var(--accent);
    color: var(--on-accent);
    box-shadow:
      0 2px 6px rgb(20 24 40 / 18%),
      0 8px 24px rgb(20 24 40 / 22%);
  }
  .launch:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 88%, var(--text));
  }
  .launch .icon {
    width: 26px;
    height: 26px;
  }
  .count {
    position: absolute;
    inset-block-start: -4px;
    inset-inline-end: -4px;
    min-width: 22px;
    height: 22px;
    padding-inline: 6px;
    border-radius: 11px;
    background: var(--danger);
    color: var(--background);
    font-size: 12px;
    line-height: 22px;
    font-weight: 650;
  }
  .panel {
    position: absolute;
    inset-block-end: 72px;
    inset-inline-end: 0;
    width: min(408px, calc(100vw - 40px));
    height: min(680px, calc(100dvh - 116px));
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) + 4px);
    background: var(--background);
    box-shadow:
      0 4px 12px rgb(20 24 40 / 10%),
      0 18px 52px rgb(20 24 40 / 22%);
    overflow: hidden;
    animation: chatstream-rise 160ms ease-out;
  }
  :host([side='start']) .panel {
    inset-inline: 0 auto;
  }
  @keyframes chatstream-rise {
    from {
      opacity: 0;
      transform: translateY(8px);
    }
  }
  @media (max-width: 479px) {
    .panel {
      position: fixed;
      inset: 0;
      width: 100%;
      height: 100dvh;
      border: 0;
      border-radius: 0;
    }
    :host([open]) .launch {
      display: none;
    }
  }
`;
