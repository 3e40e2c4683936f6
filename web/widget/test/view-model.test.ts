// @vitest-environment happy-dom
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apply, initialChat } from '../../client/src/index.ts';
import type { ChatState, EventFrame } from '../../client/src/types.ts';
import { spokenChange, spokenText } from '../src/announcer.ts';
import { dayKey, duration, humanName, timeAgo, valueText } from '../src/format.ts';
import { offlineReplyTo } from '../src/options.ts';
import { totalDuration } from '../src/steps.ts';
import { ENGLISH, Texts } from '../src/strings.ts';
import { currentTask, questionIn, resumableTasks, taskName, waitingFor } from '../src/task.ts';
import { chunksOf, Timeline, type Entry } from '../src/timeline.ts';
import { CHAT, Script } from './scenes/frames.ts';

const TEXTS = new Texts('en');

function eventsOf(script: Script): EventFrame[] {
  return script.frames as EventFrame[];
}

function entriesOf(script: Script): readonly Entry[] {
  return new Timeline().update(eventsOf(script));
}

function chatOf(script: Script): ChatState {
  return apply(initialChat(CHAT), script.delivered());
}

function shape(entries: readonly Entry[]): string[] {
  return entries.map((entry) =>
    entry.kind === 'marks' ? entry.marks.map(({ kind }) => kind).join('+') : entry.kind,
  );
}

function twoTasks(): Script {
  const script = new Script()
    .user('m1', 'Wake me', 'i1')
    .named('m1', 'i1', 'create_alarm', { day: 'tomorrow' });
  script.step('m1', 'tool', 'First', { status: 'failed', attempt: 1, of: 2, duration_ms: 300 });
  script.step('m1', 'tool', 'Second', { status: 'started', attempt: 2, of: 2 });
  script.step('m1', 'tool', '', { attempt: 2, of: 2, duration_ms: 1000 });
  script.answer('m1', 'Done', 'i1', { is_complete: true }).complete('m1', 'i1').end('m1');
  return script.user('m2', 'Next', 'i2').answer('m2', 'Yes', 'i2').end('m2');
}

describe('the timeline', () => {
  test('shows where a task ends and the next begins, around the words that did it', () => {
    expect(shape(entriesOf(twoTasks()))).toEqual(['day', 'user', 'turn', 'complete+new', 'user', 'turn']);
  });

  test('puts a task that a message set aside above that message', () => {
    const script = new Script().user('m1', 'One', 'i1').answer('m1', 'Go on?', 'i1').end('m1', 'needs_input');
    script
      .event({ type: 'user', message_id: 'm2', content: 'Two' })
      .event({ type: 'turn', status: 'started', attempt: 1, caused_by: 'm2' });
    script.event({
      type: 'intent',
      status: 'abandoned',
      reason: 'superseded',
      user_intent_id: 'i1',
      caused_by: 'm2',
    });
    script.event({ type: 'intent', status: 'active', user_intent_id: 'i2', caused_by: 'm2' });
    expect(shape(entriesOf(script))).toEqual(['day', 'user', 'turn', 'set_aside+new', 'user', 'turn']);
  });

  test('puts what the timer set aside, and its return, at the end', () => {
    const script = new Script().user('m1', 'One', 'i1').end('m1', 'needs_input');
    script.event({ type: 'intent', status: 'abandoned', reason: 'idle', user_intent_id: 'i1' });
    script.event({ type: 'intent', status: 'active', reason: 'resumed', user_intent_id: 'i1' });
    expect(shape(entriesOf(script))).toEqual(['day', 'user', 'turn', 'set_aside+resumed']);
  });

  test('ends a task above a message that waits for its turn', () => {
    const script = new Script()
      .user('m1', 'One', 'i1')
      .event({ type: 'user', message_id: 'm2', content: 'Two' });
    script.answer('m1', 'Done', 'i1', { is_complete: true }).complete('m1', 'i1').end('m1');
    expect(shape(entriesOf(script))).toEqual(['day', 'user', 'turn', 'complete', 'user']);
  });

  test('makes one step of its start and its end, and keeps the attempts apart', () => {
    const turn = entriesOf(twoTasks()).find((entry) => entry.kind === 'turn');
    expect(turn?.steps.map(({ text, status, attempt }) => [text, status, attempt])).toEqual([
      ['First', 'failed', 1],
      ['Second', 'completed', 2],
    ]);
    expect(totalDuration(turn?.steps ?? [])).toBe(1300);
  });

  test('drops the unfinished answer of an attempt that crashed', () => {
    const script = new Script().user('m1', 'One', 'i1');
    script.event({ type: 'partial', message_id: 'a1', offset: 0, text: 'Hal', caused_by: 'm1' });
    script.event({ type: 'turn', status: 'restarted', attempt: 2, caused_by: 'm1' });
    const turn = entriesOf(script).find((entry) => entry.kind === 'turn');
    expect(turn?.parts).toEqual([]);
    expect(turn?.restarted).toBe(true);
  });

  test('is the same whether the events come at once, one by one, or the older ones last', () => {
    const events = eventsOf(twoTasks());
    const whole = new Timeline().update(events);
    fc.assert(
      fc.property(
        fc.array(fc.nat(events.length), { maxLength: 5 }),
        fc.nat(events.length - 1),
        (cuts, from) => {
          const timeline = new Timeline();
          for (const cut of cuts.sort((a, b) => a - b)) timeline.update(events.slice(0, cut));
          expect(timeline.update(events)).toEqual(whole);
          timeline.update(events.slice(from));
          expect(timeline.update([...events])).toEqual(whole);
        },
      ),
    );
  });

  test('keeps the entries that did not change', () => {
    const events = eventsOf(twoTasks());
    const timeline = new Timeline();
    const before = timeline.update(events.slice(0, -1));
    const after = timeline.update(events);
    expect(after.slice(0, -1).every((entry, index) => entry === before[index])).toBe(true);
    expect(after.at(-1)).not.toBe(before.at(-1));
  });

  test('keeps the borders of its chunks when older entries come in front', () => {
    const script = new Script();
    for (let turn = 0; turn < 120; turn += 1) script.user(`m${turn}`, 'x', `i${turn}`).end(`m${turn}`);
    const events = eventsOf(script);
    const keys = (from: number) => chunksOf(new Timeline().update(events.slice(from))).map(({ key }) => key);
    expect(keys(0)).toEqual([0, 1]);
    expect(keys(300)).toEqual([1]);
  });
});

describe('a turn that no message caused', () => {
  const asked = () =>
    new Script()
      .user('m1', 'Wake me', 'i1')
      .step('m1', 'extraction', 'Time?', { data: { missing: ['wake_time'] } })
      .answer('m1', 'When?', 'i1', { follow_up: true })
      .end('m1', 'needs_input', 'i1');

  test('stands by itself, at its own day, and divides no tasks', () => {
    const script = twoTasks().wait(90_000).reminder('r1', 'The cake!');
    const entries = entriesOf(script);
    expect(shape(entries)).toEqual(['day', 'user', 'turn', 'complete+new', 'user', 'turn', 'day', 'turn']);
    expect(entries.flatMap((entry) => (entry.kind === 'turn' ? [entry.unasked] : []))).toEqual([
      false,
      false,
      true,
    ]);
  });

  test('stands between a task that is done and the next, whose words bring the divider', () => {
    const script = new Script().user('m1', 'Wake me', 'i1').answer('m1', 'Done', 'i1', { is_complete: true });
    script.complete('m1', 'i1').end('m1', 'finished', 'i1').reminder('r1', 'The cake!');
    script.user('m2', 'Next', 'i2').end('m2', 'finished', 'i2');
    expect(shape(entriesOf(script))).toEqual([
      'day',
      'user',
      'turn',
      'complete',
      'turn',
      'new',
      'user',
      'turn',
    ]);
  });

  test('leaves the task in hand as it was, with what it waits for', () => {
    const chat = chatOf(asked().reminder('r1', 'The cake!'));
    const intent = currentTask(chat);
    expect(intent).toEqual(currentTask(chatOf(asked())));
    expect(intent && waitingFor(chat, intent, new Timeline().update(chat.events))).toBe('wake time');
  });

  test('is spoken whole, each one where several were due at once', () => {
    const before = chatOf(asked());
    const after = chatOf(asked().reminder('r1', 'The cake!').reminder('r2', 'The tea!'));
    expect(spokenChange(before, after, TEXTS, false)).toBe('The cake!\nThe tea!');
  });
});

describe('the task in hand', () => {
  test('is called by its name, else by the first words', () => {
    const chat = chatOf(twoTasks());
    expect(taskName(chat.intents['i1'], TEXTS)).toBe('Create alarm');
    expect(taskName(currentTask(chat) ?? undefined, TEXTS)).toBe('Next');
  });

  test('waits for what the form requires, the step names, or the question asks', () => {
    const base = () =>
      new Script().user('m1', 'Wake me', 'i1').named('m1', 'i1', 'create_alarm', { day: 'today' });
    const waits = (script: Script) => {
      const chat = chatOf(script.end('m1', 'needs_input', 'i1'));
      const task = currentTask(chat);
      return task && waitingFor(chat, task, new Timeline().update(chat.events));
    };
    const schema = {
      type: 'object',
      required: ['day', 'time'],
      properties: { day: { type: 'string' }, time: { type: 'string' } },
    };
    expect(waits(base().form('m1', 'i1', 'Alarm', schema))).toBe('time');
    expect(waits(base().step('m1', 'x', 'y', { data: { missing: ['wake_time'] } }))).toBe('wake time');
    expect(waits(base().answer('m1', 'Sure. **When** exactly?', 'i1', { follow_up: true }))).toBe(
      'When exactly?',
    );
  });

  test('can be taken up again once it was set aside, until it is dismissed', () => {
    const script = new Script().user('m1', 'One', 'i1').end('m1', 'needs_input', 'i1');
    script.event({ type: 'intent', status: 'abandoned', reason: 'idle', user_intent_id: 'i1' });
    const chat = chatOf(script);
    expect(resumableTasks(chat, new Set()).map(({ user_intent_id }) => user_intent_id)).toEqual(['i1']);
    expect(resumableTasks(chat, new Set(['i1']))).toEqual([]);
  });

  test('is asked about in one sentence', () => {
    expect(questionIn('Hm. Which *one*?')).toBe('Which one?');
    expect(questionIn('Tell me.')).toBe('Tell me.');
    expect(questionIn('This? And that?? Well')).toBe('And that?');
    expect(questionIn('?? ')).toBe('??');
    expect(questionIn('أين؟ 何？')).toBe('何？');
    expect(questionIn(`${'word '.repeat(1000)}one?`).length).toBeLessThanOrEqual(2000);
  });
});

describe('what is spoken', () => {
  const script = twoTasks();
  const frames = script.delivered();
  const at = (count: number) =>
    apply(initialChat(CHAT), [frames[0]!, ...frames.slice(1, count), frames.at(-1)!]);

  test('a beginning, the whole answer once, nothing of what was there before', () => {
    expect(spokenChange(initialChat(CHAT), at(frames.length - 1), TEXTS, true)).toBeNull();
    expect(spokenChange(at(2), at(4), TEXTS, true)).toBe('Assistant is answering');
    expect(spokenChange(at(10), at(11), TEXTS, true)).toBe('Done');
  });

  test('what an answer had said, and that it failed', () => {
    const asked = () => new Script().user('m1', 'Tell me a story', 'i1');
    const told = asked().answer('m1', 'Once upon', 'i1', { stopped: true }).fails('m1', 'i1', 'It broke.');
    expect(spokenChange(chatOf(asked()), chatOf(told), TEXTS, true)).toBe('Once upon\nIt broke.');
    const silent = asked().fails('m1', 'i1', '');
    expect(spokenChange(chatOf(asked()), chatOf(silent), TEXTS, true)).toBe('The answer failed');
  });

  test('of a long answer as much as one listens to, in whole characters', () => {
    expect([...spokenText('😀'.repeat(400))]).toHaveLength(302);
    expect(spokenText('😀'.repeat(300))).toBe('😀'.repeat(300));
  });

  test('steps only now and then', () => {
    expect(spokenChange(at(7), at(8), TEXTS, true)).toBe('First');
    expect(spokenChange(at(7), at(8), TEXTS, false)).toBeNull();
  });
});

describe('words', () => {
  test('times and names are for people', () => {
    expect(duration(320, TEXTS)).toBe('320 ms');
    expect(duration(1320, TEXTS)).toBe('1.3 s');
    expect(duration(125_000, TEXTS)).toBe('2 min 5 s');
    expect(valueText('2026-11-26T13:30:13.033000Z', TEXTS)).toMatch(/^Nov 2[67], 2026, \d\d?:\d\d [AP]M$/);
    for (const text of ['2026-11-26 or so', '2026-99-26T13:30Z']) expect(valueText(text, TEXTS)).toBe(text);
    const deep = JSON.parse(`${'['.repeat(5000)}1${']'.repeat(5000)}`);
    expect(valueText(deep, TEXTS)).toBe('…');
    expect(humanName('create_alarmClock')).toBe('Create alarm clock');
    expect(timeAgo('2026-11-23T10:00:00Z', 'en', Date.UTC(2026, 10, 23, 10, 5))).toBe('5 minutes ago');
    expect(dayKey('2026-11-23T12:00:00Z')).toBe('2026-11-23');
  });

  test('every text can be replaced, with the plural forms of its language', () => {
    const polish = new Texts('pl', {
      steps_one: '{count} krok',
      steps_few: '{count} kroki',
      steps_other: '{count} kroków',
    });
    expect([1, 3, 5].map((count) => polish.count('steps', count))).toEqual(['1 krok', '3 kroki', '5 kroków']);
    expect(polish.get('send')).toBe(ENGLISH.send);
    expect(new Texts('en', { send: '{toString} {constructor}' }).get('send')).toBe('{toString} {constructor}');
    expect(new Texts('not a locale!').get('task_waiting', { task: 'A', missing: '{x}' })).toBe(
      'A, waiting for: {x}',
    );
  });

  test('the operator answers by words, and where no word fits, by default', () => {
    const replies = [{ words: ['Refund'], reply: 'Mail us.' }, { reply: 'Later.' }];
    expect(offlineReplyTo('a refund please', replies)).toBe('Mail us.');
    expect(offlineReplyTo('hello', replies)).toBe('Later.');
    expect(offlineReplyTo('hello', [])).toBeNull();
  });
});
