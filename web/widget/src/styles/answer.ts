// What markdown becomes.
import { css } from 'lit';

export const answer = css`
  .markdown {
    display: block;
    overflow-wrap: anywhere;
  }
  .markdown > * {
    margin-block: 0 0.7em;
  }
  .markdown > :last-child {
    margin-block-end: 0;
  }
  .markdown.growing > p:last-child::after,
  .markdown.growing > :is(ol, ul):last-child > li:last-child::after {
    content: '';
    display: inline-block;
    width: 0.5em;
    height: 1em;
    margin-inline-start: 0.2em;
    border-radius: 2px;
    background: var(--accent);
    vertical-align: -0.12em;
    animation: chatstream-pulse 1.1s ease-in-out infinite;
  }
  .markdown .plain {
    white-space: pre-wrap;
  }
  .markdown .heading {
    font-weight: 650;
    line-height: 1.3;
    margin-block-start: 0.9em;
  }
  .markdown .heading:first-child {
    margin-block-start: 0;
  }
  .markdown .h1 {
    font-size: 1.3em;
  }
  .markdown .h2 {
    font-size: 1.18em;
  }
  .markdown .h3 {
    font-size: 1.08em;
  }
  .markdown a {
    color: var(--link);
    text-underline-offset: 2px;
  }
  .markdown :is(ul, ol) {
    padding-inline-start: 1.5em;
    list-style: revert;
  }
  .markdown ol {
    list-style: decimal;
  }
  .markdown ul {
    list-style: disc;
  }
  .markdown li + li {
    margin-block-start: 0.2em;
  }
  .markdown li.task {
    list-style: none;
    margin-inline-start: -1.3em;
  }
  .markdown blockquote {
    margin-inline: 0;
    padding-inline-start: 0.9em;
    border-inline-start: 3px solid var(--border);
    color: var(--muted);
  }
  .markdown hr {
    border: 0;
    border-block-start: 1px solid var(--border);
  }
  .markdown img {
    max-width: 100%;
    border-radius: 8px;
  }
  .markdown code {
    font:
      0.88em / 1.5 ui-monospace,
      'SF Mono',
      Menlo,
      Consolas,
      'Noto Sans Mono',
      monospace;
    padding: 0.1em 0.35em;
    border-radius: 6px;
    background: var(--surface);
    border: 1px solid var(--border);
    unicode-bidi: isolate;
  }
  .markdown .code {
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
    background: var(--surface);
    overflow: hidden;
  }
  .code-bar {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding-inline: 12px 4px;
    color: var(--muted);
    font-size: 0.78em;
  }
  .code-copy {
    min-height: 28px;
    padding: 2px 10px;
    border: 0;
    background: none;
    color: var(--muted);
  }
  .markdown pre {
    margin: 0;
    padding: 2px 12px 12px;
    overflow-x: auto;
    text-align: left;
  }
  .markdown pre code {
    padding: 0;
    border: 0;
    background: none;
    white-space: pre;
    overflow-wrap: normal;
  }
  .markdown .table {
    overflow-x: auto;
    border: 1px solid var(--border);
    border-radius: calc(var(--radius) * 0.72);
  }
  .markdown table {
    border-collapse: collapse;
    width: 100%;
    font-size: 0.94em;
  }
  .markdown :is(th, td) {
    padding: 6px 12px;
    text-align: start;
    border-block-end: 1px solid var(--border);
    overflow-wrap: normal;
  }
  .markdown th {
    background: var(--surface);
    font-weight: 600;
  }
  .markdown tbody tr:last-child td {
    border: 0;
  }
  .markdown .align-center {
    text-align: center;
  }
  .markdown .align-right {
    text-align: end;
  }
`;
