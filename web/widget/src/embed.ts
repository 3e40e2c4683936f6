// The one-script embed, a classic script: it finds its server by its own address and puts a
// launcher on the page. Every setting of the chat is a `data-` attribute of the script:
//
//   <script async src="https://HOST/static/embed.js" data-chatstream data-heading="Support"></script>
//
// `data-target="#id"` puts the chat into an element of the page instead of a launcher.
import { ChatElement } from './chat-element.ts';
import { LauncherElement } from './launcher-element.ts';
import { ChatClient } from '../../client/src/index.ts';

interface ChatStreamGlobal {
  readonly ChatElement: typeof ChatElement;
  readonly LauncherElement: typeof LauncherElement;
  readonly ChatClient: typeof ChatClient;
  /** What the script put on the page. */
  element: ChatElement | LauncherElement | null;
}

declare global {
  interface Window {
    ChatStream?: ChatStreamGlobal;
  }
}

const DEFAULT_PREFIX = '/api/v1';

/** The API of the server that `src` came from; `prefix` where it is not the default. */
export function serverOf(src: string, prefix = DEFAULT_PREFIX): string {
  return new URL(prefix, src).href;
}

function embed(script: HTMLScriptElement): ChatElement | LauncherElement {
  const { target } = script.dataset;
  const place = target ? document.querySelector(target) : null;
  const element = place ? new ChatElement() : new LauncherElement();
  element.setAttribute('server', script.dataset['server'] ?? serverOf(script.src, script.dataset['prefix']));
  for (const { name, value } of script.attributes) {
    const option = /^data-(?!chatstream$|target$|server$|prefix$)(.+)$/.exec(name)?.[1];
    if (option) element.setAttribute(option, value);
  }
  (place ?? document.body).append(element);
  return element;
}

function start(script: HTMLScriptElement | null): void {
  if (window.ChatStream) return; // The script was loaded twice.
  const api: ChatStreamGlobal = { ChatElement, LauncherElement, ChatClient, element: null };
  window.ChatStream = api;
  if (!script?.hasAttribute('data-chatstream')) return;
  const run = () => {
    api.element = embed(script);
    window.dispatchEvent(new CustomEvent('chatstream-ready', { detail: api.element }));
  };
  if (document.body) run();
  else document.addEventListener('DOMContentLoaded', run, { once: true });
}

start(document.currentScript instanceof HTMLScriptElement ? document.currentScript : null);
