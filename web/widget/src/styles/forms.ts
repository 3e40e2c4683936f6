// Forms, buttons and placeholders in the chat.
import { css } from 'lit';

export const forms = css`
  chatstream-form {
    display: block;
  }
  .form,
  .placeholder {
    max-width: 460px;
    padding: 16px;
    border: 1px solid var(--border);
    border-radius: var(--radius);
    background: var(--background);
    box-shadow: var(--shadow);
  }
  .form.submitted,
  .form.closed,
  .placeholder {
    box-shadow: none;
    background: var(--surface);
  }
  .placeholder {
    border-style: dashed;
  }
  .form :is(form, .plain),
  .form.submitted {
    display: grid;
    gap: 14px;
  }
  .form.submitted {
    gap: 8px;
  }
  .component-title {
    font-weight: 620;
    overflow-wrap: anywhere;
  }
  .form.closed .component-title {
    color: var(--muted);
  }
  .field,
  .options {
    display: grid;
    gap: 5px;
  }
  .field > label,
  legend {
    padding: 0;
    font-weight: 550;
    font-size: 0.93em;
  }
  .optional {
    color: var(--muted);
    font-weight: 400;
    font-size: 0.9em;
  }
  .hint {
    color: var(--muted);
    font-size: var(--small);
  }
  .group {
    display: grid;
    gap: 12px;
    padding: 12px;
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
  }
  .options legend {
    margin-block-end: 5px;
  }
  .option {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 30px;
    cursor: pointer;
  }
  .option input {
    width: 18px;
    height: 18px;
    margin: 0;
    flex: none;
    accent-color: var(--accent);
  }
  .form :is(input:not([type='checkbox'], [type='radio']), select, textarea) {
    width: 100%;
    min-height: 40px;
    padding: 8px 12px;
    font: inherit;
    font-size: max(16px, 1em);
    color: var(--text);
    background: var(--background);
    border: 1px solid color-mix(in srgb, var(--muted) 62%, var(--background));
    border-radius: calc(var(--radius) * 0.72);
  }
  .form textarea {
    resize: vertical;
  }
  .form :is(input, select, textarea):focus-visible {
    outline-offset: 0;
  }
  .form [aria-invalid='true'] {
    border-color: var(--danger) !important;
  }
  .form .primary {
    justify-self: start;
    min-height: 40px;
    padding-inline: 22px;
  }
  .buttons {
    display: grid;
    gap: 8px;
  }
  .buttons .button-row button {
    border-color: color-mix(in srgb, var(--accent) 45%, var(--border));
    color: var(--link);
    border-radius: 999px;
    overflow-wrap: anywhere;
  }
  .buttons .button-row button:disabled {
    border-color: var(--border);
    color: var(--muted);
  }
  .buttons .button-row button[aria-pressed='true'] {
    background: var(--soft);
    border-color: var(--accent);
    color: var(--text);
  }
`;
