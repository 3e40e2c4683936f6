// The theme: fifteen properties that a page may set, and what every control has in common.
import { css } from 'lit';

export const theme = css`
  :host {
    color-scheme: light dark;
    --font: var(--chatstream-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif);
    --size: var(--chatstream-font-size, 0.9375rem);
    --radius: var(--chatstream-radius, 14px);
    --space: var(--chatstream-space, 16px);
    --background: var(--chatstream-background, light-dark(#ffffff, #15171d));
    --surface: var(--chatstream-surface, light-dark(#f5f6f9, #1f222b));
    --text: var(--chatstream-text, light-dark(#1b1e27, #e9ebf1));
    --muted: var(--chatstream-muted, light-dark(#5b6273, #a2aabb));
    --border: var(--chatstream-border, light-dark(#e3e6ee, #323744));
    --accent: var(--chatstream-accent, light-dark(#4353d8, #a3b1ff));
    --on-accent: var(--chatstream-on-accent, light-dark(#ffffff, #10142e));
    --user: var(--chatstream-user, light-dark(#e9ecff, #2c335a));
    --on-user: var(--chatstream-on-user, light-dark(#1c2250, #eef0ff));
    --danger: var(--chatstream-danger, light-dark(#b3261e, #ffb4ab));
    --link: var(--chatstream-link, light-dark(#3646c5, #b3beff));
    --good: light-dark(#1a7a4b, #7ad6a4);
    --soft: color-mix(in srgb, var(--accent) 9%, transparent);
    --shadow: 0 1px 2px rgb(20 24 40 / 6%), 0 6px 20px rgb(20 24 40 / 8%);
    --small: 0.8125em;
  }
  :host([theme='light']) {
    color-scheme: light;
  }
  :host([theme='dark']) {
    color-scheme: dark;
  }
`;

const controls = css`
  :host {
    display: block;
    box-sizing: border-box;
    font: var(--size) / 1.5 var(--font);
    color: var(--text);
    background: var(--background);
    text-align: start;
    -webkit-text-size-adjust: 100%;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  p,
  ol,
  ul,
  dl,
  dd,
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
    min-width: 0;
  }
  ul {
    list-style: none;
  }
  .icon {
    width: 1.15em;
    height: 1.15em;
    flex: none;
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.4em;
    min-height: 36px;
    padding: 6px 14px;
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
    background: var(--background);
    transition:
      background-color 120ms,
      border-color 120ms,
      transform 120ms;
  }
  button:hover:not(:disabled) {
    background: var(--surface);
  }
  button:active:not(:disabled) {
    transform: translateY(1px);
  }
  button:disabled {
    cursor: default;
    color: var(--muted);
  }
  button.primary {
    background: var(--accent);
    border-color: transparent;
    color: var(--on-accent);
    font-weight: 550;
  }
  button.primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 88%, var(--text));
  }
  button.primary:disabled {
    background: var(--surface);
    color: var(--muted);
    border-color: var(--border);
  }
  button.quiet,
  button.tool,
  button.link {
    border-color: transparent;
    background: none;
    color: var(--muted);
  }
  button.quiet {
    font-size: var(--small);
  }
  button.tool {
    padding: 0;
    width: 36px;
    height: 36px;
    flex: none;
  }
  button.quiet:hover:not(:disabled),
  button.tool:hover {
    color: var(--text);
    background: var(--surface);
  }
  button.link {
    min-height: 24px;
    padding: 0 4px;
    color: var(--link);
    text-decoration: underline;
    text-underline-offset: 2px;
    font-size: inherit;
  }
  button.tool.done {
    color: var(--good);
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .note {
    color: var(--muted);
    font-size: var(--small);
    overflow-wrap: anywhere;
  }
  .note .icon {
    vertical-align: -0.22em;
    margin-inline-end: 0.35em;
  }
  .note.bad {
    color: var(--danger);
  }
  .note.good {
    color: var(--good);
  }
  .offscreen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
  @media (forced-colors: active) {
    button {
      border-color: ButtonText;
    }
    /* What a colour says elsewhere, a line says here. */
    .bubble,
    .badge,
    .error {
      outline: 1px solid;
      outline-offset: -1px;
    }
    .message.waiting .bubble {
      outline-style: dashed;
    }
    .message.failed .bubble,
    [aria-current],
    [aria-pressed='true'] {
      outline: 3px double;
      outline-offset: -3px;
    }
    .task::before,
    .dot,
    .pulse {
      forced-color-adjust: none;
      background: CanvasText !important;
    }
  }
`;

export const base = [theme, controls];
