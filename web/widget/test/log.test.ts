// @vitest-environment happy-dom
// What the log offers below a turn, whatever spoke since.
import { expect, test } from 'vitest';
import { apply, initialChat, type ServerFrame } from '../../client/src/index.ts';
import type { LogElement } from '../src/elements/log-element.ts';
import '../src/elements/log-element.ts';
import type { TurnElement } from '../src/elements/turn-element.ts';
import { ENGLISH, Texts } from '../src/strings.ts';
import { Timeline } from '../src/timeline.ts';
import type { View } from '../src/view.ts';
import { CHAT, Script } from './scenes/frames.ts';

// The delta that a page has seen and the log has not.
const live = (messageId: string, offset: number, text: string): ServerFrame => ({
  type: 'delta',
  user_chat_id: CHAT,
  message_id: messageId,
  offset,
  text,
});

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

/** The log of a page that saw the frames one by one, as it stands at the end. */
async function lived(frames: readonly ServerFrame[]): Promise<LogElement> {
  const log = document.createElement('chatstream-log') as LogElement;
  document.body.replaceChildren(log);
  const timeline = new Timeline();
  let chat = initialChat(CHAT);
  for (const frame of frames) {
    chat = apply(chat, frame);
    Object.assign(log, { view: VIEW, chat, entries: timeline.update(chat.events) });
    log.showAnswers(chat);
    await log.updateComplete;
    for (const turn of log.querySelectorAll<TurnElement>('chatstream-turn')) await turn.updateComplete;
  }
  await new Promise((resolve) => requestAnimationFrame(resolve));
  return log;
}

/** What a person sees of a log. */
function seen(log: LogElement): string[] {
  return [...log.querySelectorAll<HTMLElement>('chatstream-answer, .answer .note, .error p[dir], [part=retry]')].map(
    (element) => `${element.classList.contains('growing') ? 'growing: ' : ''}${element.textContent.trim()}`,
  );
}

const NAMES = JSON.parse('{"properties": {"__proto__": {"type": "string"}, "constructor": {"type": "string"}, "toString": {"type": "string", "default": "x"}}}');

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

test('the text of an answer that failed stays, is told to be broken off, and the error follows it', async () => {
  const script = new Script().user('m1', 'Tell me a story', 'i1');
  script.answer('m1', 'Once **upon**', 'i1', { message_id: 'msg_1', stopped: true });
  const frames = script.fails('m1', 'i1', 'It broke.').delivered();
  const at = frames.findIndex((frame) => frame.type === 'response');
  frames.splice(at, 0, live('msg_1', 0, 'Once **up'));
  const expected = ['Once upon', 'Broken off', 'It broke.', 'Try again'];
  expect(seen(await lived(frames))).toEqual(expected);
  expect(seen(await drawn(script))).toEqual(expected);
});

test('an answer of which only pieces are stored is shown as far as these go, and grows no more', async () => {
  const script = new Script().user('m1', 'Tell me a story', 'i1');
  script.piece('m1', 'msg_1', 0, 'Once ').piece('m1', 'msg_1', 5, '**upon** 🌧️');
  const frames = script.fails('m1', 'i1', 'It broke.').delivered();
  const at = frames.findIndex((frame) => frame.type === 'error');
  frames.splice(at, 0, live('msg_1', 16, ' a ti'));
  const expected = ['Once upon 🌧️', 'Broken off', 'It broke.', 'Try again'];
  expect(seen(await lived(frames.slice(0, at + 1)))).toEqual(['growing: Once upon 🌧️ a ti']);
  expect(seen(await lived(frames))).toEqual(expected);
  expect(seen(await drawn(script))).toEqual(expected);
});

test('an answer that was stopped is told to be stopped', async () => {
  const script = new Script().user('m1', 'Tell me a story', 'i1');
  script.answer('m1', 'Once', 'i1', { stopped: true }).end('m1', 'cancelled', 'i1');
  expect(seen(await drawn(script))).toEqual(['Once', 'Stopped', 'Try again']);
  const old = new Script().user('m1', 'Tell me a story', 'i1').piece('m1', 'msg_1', 0, 'Once').end('m1', 'cancelled', 'i1');
  expect(seen(await drawn(old))).toEqual(['Once', 'Stopped', 'Try again']);
});

test('of an erased piece nothing is shown', async () => {
  const script = new Script().user('m1', 'Tell me a story', 'i1');
  script.event({ type: 'partial', message_id: 'msg_1', offset: 0, erased: true, caused_by: 'm1' }).end('m1', 'failed', 'i1');
  expect(seen(await drawn(script))).toEqual(['Try again']);
});

test('a turn, an answer and a form may be called what every object has', async () => {
  for (const [turn, answer, form] of [
    ['__proto__', 'constructor', 'toString'],
    ['constructor', 'toString', '__proto__'],
    ['toString', '__proto__', 'constructor'],
  ] as const) {
    const script = new Script().user(turn, 'Hello', 'i1').piece(turn, answer, 0, 'Half');
    const frames = script.delivered();
    expect(seen(await lived([...frames, live(answer, 4, ' of it')]))).toEqual(['growing: Half of it']);
    script.answer(turn, 'All of it', 'i1', { message_id: answer });
    script.event({ type: 'component', component_id: form, kind: 'form', caused_by: turn, user_intent_id: 'i1', schema: NAMES });
    const log = await drawn(script.end(turn, 'needs_input', 'i1'));
    expect(seen(log)).toEqual(['All of it']);
    const fields = [...log.querySelectorAll<HTMLInputElement>('chatstream-form input')];
    expect(fields.map(({ value }) => value)).toEqual(['', '', 'x']);
    expect(log.querySelectorAll('chatstream-form .note.bad')).toHaveLength(0);
  }
});
