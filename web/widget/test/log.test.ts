// @vitest-environment happy-dom
// What the log offers below a turn, whatever spoke since.
import { expect, test } from 'vitest';
import { apply, initialChat } from '../../client/src/index.ts';
import type { LogElement } from '../src/elements/log-element.ts';
import '../src/elements/log-element.ts';
import type { TurnElement } from '../src/elements/turn-element.ts';
import { ENGLISH, Texts } from '../src/strings.ts';
import { Timeline } from '../src/timeline.ts';
import type { View } from '../src/view.ts';
import { CHAT, Script } from './scenes/frames.ts';

const retried: string[] = [];
const VIEW = {
  texts: new Texts('en'),
  thinking: 'auto',
  images: false,
  chatId: CHAT,
  actions: { retry: (id: string) => retried.push(id) },
} as unknown as View;

async function drawn(script: Script): Promise<LogElement> {
  const log = document.createElement('chatstream-log') as LogElement;
  const chat = apply(initialChat(CHAT), script.delivered());
  Object.assign(log, { view: VIEW, chat, entries: new Timeline().update(chat.events) });
  document.body.replaceChildren(log);
  await log.updateComplete;
  await Promise.all([...log.querySelectorAll<TurnElement>('chatstream-turn')].map((turn) => turn.updateComplete));
  return log;
}

const failed = () => new Script().user('m1', 'Book a table', 'i1').end('m1', 'failed', 'i1');

test('a message whose turn failed can be run again after a reminder spoke', async () => {
  const log = await drawn(failed().reminder('r1', 'The cake!'));
  const buttons = [...log.querySelectorAll<HTMLElement>('[part=retry]')];
  expect(buttons.map((button) => button.closest('chatstream-turn')?.className)).toEqual(['entry failed']);
  buttons[0]?.click();
  expect(retried).toEqual(['m1']);
});

test('of several runs of a message only the newest is offered to be run again', async () => {
  const script = failed();
  script.event({ type: 'turn', status: 'started', attempt: 1, caused_by: 'again', retry_of: 'm1', user_intent_id: 'i1' });
  const log = await drawn(script.end('again', 'failed', 'i1'));
  const turns = [...log.querySelectorAll('chatstream-turn')];
  expect(turns.map((turn) => turn.querySelectorAll('[part=retry]').length)).toEqual([0, 1]);
});

test('a reminder says what it is; one that was cancelled, in one line', async () => {
  const script = failed().reminder('r1', 'The cake!');
  script.event({ type: 'turn', status: 'started', attempt: 1, caused_by: 'r2' });
  script.step('r2', 'reminder', 'Cancelled: Call Ada').event({ type: 'turn', status: 'finished', attempt: 1, caused_by: 'r2' });
  const log = await drawn(script);
  const [asked, spoken, cancelled] = [...log.querySelectorAll('chatstream-turn')];
  expect(asked?.textContent).not.toContain(ENGLISH.unasked);
  expect(spoken?.textContent).toContain(ENGLISH.unasked);
  expect(cancelled?.querySelector('.steps-line')?.textContent).toBe('Cancelled: Call Ada');
});
