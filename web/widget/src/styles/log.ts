// The conversation: bubbles, steps, dividers, errors.
import { css } from 'lit';

export const log = css`
  .log {
    display: block;
    flex: 1;
    min-height: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-width: thin;
    scrollbar-color: var(--border) transparent;
  }
  .log:focus-visible {
    outline-offset: -3px;
  }
  /* Blocks, not a flex column: one that grows then costs no layout of all the others. */
  .log-inner {
    padding: var(--space);
    padding-block-start: max(0px, var(--space) - 14px);
  }
  .chunk {
    content-visibility: auto;
    contain-intrinsic-size: auto 6000px;
    overflow-clip-margin: 28px;
  }
  .chunk:last-of-type {
    content-visibility: visible;
  }
  /* A margin of its own: with "* + *", a block that is added to an answer has all of it styled again. */
  .entry {
    margin-block-start: 14px;
    content-visibility: auto;
    overflow-clip-margin: 28px;
    contain-intrinsic-size: auto 96px;
  }
  chatstream-turn {
    display: block;
  }
  chatstream-turn.running {
    content-visibility: visible;
  }
  .earlier {
    display: flex;
    margin-inline: auto;
  }

  .message.user {
    width: fit-content;
    margin-inline-start: auto;
    display: grid;
    justify-items: end;
    max-width: min(86%, 600px);
  }
  .bubble {
    padding: 9px 14px;
    border-radius: var(--radius) var(--radius) calc(var(--radius) * 0.35) var(--radius);
    background: var(--user);
    color: var(--on-user);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .chat:dir(rtl) .bubble {
    border-radius: var(--radius) var(--radius) var(--radius) calc(var(--radius) * 0.35);
  }
  .message.waiting .bubble,
  .message.failed .bubble {
    background: none;
    color: var(--text);
    box-shadow: inset 0 0 0 1.5px var(--border);
  }
  .message.failed .bubble {
    box-shadow: inset 0 0 0 1.5px var(--danger);
  }
  .message footer {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 8px;
    min-height: 26px;
    padding-inline: 4px;
    color: var(--muted);
    font-size: 0.75em;
  }
  .message footer .note {
    font-size: inherit;
  }
  .message footer .tool {
    width: 26px;
    height: 26px;
    min-height: 26px;
    font-size: 1.05em;
    opacity: 0;
  }
  .message:is(:hover, :focus-within) footer .tool,
  .message footer .tool:is(.done, :focus-visible) {
    opacity: 1;
  }
  @media (hover: none) {
    .message footer .tool {
      opacity: 1;
    }
  }
  .message.user footer {
    justify-content: end;
  }
  .message.assistant {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 10px;
    max-width: min(100%, 680px);
  }
  .answer > footer {
    padding-inline: 0;
    margin-block-start: 2px;
  }
  .message.canned {
    padding: 10px 14px;
    border: 1px dashed var(--border);
    border-radius: var(--radius);
    background: var(--surface);
    gap: 4px;
  }
  .message > .quiet {
    justify-self: start;
    padding-inline: 8px;
    margin-inline-start: -8px;
  }

  .steps {
    font-size: var(--small);
    color: var(--muted);
  }
  .steps summary {
    display: flex;
    align-items: center;
    gap: 8px;
    width: fit-content;
    max-width: 100%;
    min-height: 28px;
    padding-inline: 2px 8px;
    border-radius: 8px;
    cursor: pointer;
    list-style: none;
    user-select: none;
  }
  .steps summary::-webkit-details-marker {
    display: none;
  }
  .steps summary:hover {
    color: var(--text);
  }
  .steps summary .icon {
    transition: transform 120ms;
  }
  .chat:dir(rtl) .steps:not([open]) summary .icon {
    transform: scaleX(-1);
  }
  .steps[open] summary .icon {
    transform: rotate(90deg);
  }
  .steps-line {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .steps ol {
    display: grid;
    gap: 2px;
    list-style: none;
    margin-block: 4px 2px;
    margin-inline-start: 8px;
    padding-inline-start: 14px;
    border-inline-start: 2px solid var(--border);
  }
  .step {
    display: flex;
    align-items: baseline;
    gap: 8px;
    line-height: 1.5;
  }
  .step-mark {
    flex: none;
    width: 14px;
    align-self: start;
    text-align: center;
    color: var(--good);
  }
  .step-mark .icon {
    width: 14px;
    height: 14px;
    vertical-align: -2px;
    stroke-width: 2.5;
  }
  .step.failed .step-mark,
  .step.failed .step-notes {
    color: var(--danger);
  }
  .step-text {
    min-width: 0;
    overflow-wrap: anywhere;
    color: var(--text);
  }
  .step.completed .step-text {
    color: var(--muted);
  }
  .step-notes {
    margin-inline-start: auto;
    padding-inline-start: 12px;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
    font-size: 0.94em;
  }
  .dot,
  .pulse {
    display: inline-block;
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--accent);
    animation: chatstream-pulse 1.4s ease-in-out infinite;
  }
  .pulse {
    flex: none;
    margin-inline: 5px 3px;
  }
  @keyframes chatstream-pulse {
    50% {
      opacity: 0.35;
      transform: scale(0.8);
    }
  }

  .divider {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: center;
    gap: 4px 16px;
    color: var(--muted);
    font-size: var(--small);
    text-align: center;
  }
  .divider::before,
  .divider::after {
    content: '';
    flex: 1;
    min-width: 12px;
    border-block-start: 1px solid var(--border);
  }
  .divider.day::before,
  .divider.day::after {
    border: 0;
  }
  .mark {
    display: grid;
    justify-items: center;
    gap: 2px;
    max-width: 80%;
  }
  .mark-label {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-width: 0;
  }
  .mark-label > span {
    overflow-wrap: anywhere;
  }
  .mark.complete .mark-label {
    color: var(--good);
    font-weight: 550;
  }
  .mark.new .mark-label,
  .mark.resumed .mark-label {
    color: var(--link);
    font-weight: 550;
  }
  .mark-asked {
    color: var(--text);
    overflow-wrap: anywhere;
  }

  .error {
    display: flex;
    gap: 10px;
    align-items: flex-start;
    padding: 10px 14px;
    border-radius: var(--radius);
    background: light-dark(#fdeceb, #3a1f1d);
    color: light-dark(#7c1a14, #ffd9d4);
    overflow-wrap: anywhere;
  }
  .error > div {
    flex: 1;
    min-width: 0;
  }
  .error .icon {
    margin-block-start: 3px;
  }
  .error .note,
  .error .tool,
  .error button.link {
    color: inherit;
  }
  .error .note {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .error .tool {
    width: 26px;
    height: 26px;
    min-height: 26px;
  }
`;
