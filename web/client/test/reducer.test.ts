// The fold: golden chats that the Python side folds too, and what must hold whatever the network does.
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prepend } from '../src/http.ts';
import { apply, foldEvents, initialChat, type ChatState, type ServerFrame } from '../src/index.ts';
import { INTENT_1, intent, Story } from './story.ts';
import { view } from './view.ts';

interface Golden {
  name: string;
  frames: ServerFrame[];
  state: unknown;
}

const folder = new URL('../../../tests/golden/frames/', import.meta.url);
const golden = readdirSync(folder).map((file): Golden => JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
const one = (state: ChatState, frames: readonly ServerFrame[]) =>
  frames.reduce((before, frame) => apply(before, frame), state);
const start = () => initialChat('chat_1');

describe.each(golden)('golden: $name', ({ frames, state }) => {
  test('folds as written down', () => {
    expect(view(one(start(), frames))).toEqual(state);
  });

  test('a batch folds like its frames', () => {
    expect(apply(start(), frames)).toEqual(one(start(), frames));
  });

  test('frames that come twice, at once or much later, change nothing', () => {
    const events = frames.filter((frame) => 'event_id' in frame);
    const doubled = frames.flatMap((frame): ServerFrame[] => ('event_id' in frame ? [frame, frame] : [frame]));
    expect(view(one(one(start(), doubled), events))).toEqual(state);
  });

  // Ids are the client's to choose: letters, digits, `_` and `-`.
  test('folds the same when its ids are the names that every object knows', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'undefined', 'null'];
    const ids = ['m1', 'm2', 'r1', 's1', 'msg_1', 'msg_2', 'cmp_1', 'intent_1', 'intent_2'];
    for (let first = 0; first < names.length; first++) {
      const renamed = (value: unknown) =>
        JSON.parse(
          ids.reduce((text, id, n) => {
            // Some to names, all to different ones.
            const name = n < names.length ? names[(first + n) % names.length] : id;
            return text.replaceAll(`"${id}"`, `"${name}"`);
          }, JSON.stringify(value)),
        );
      expect(view(one(start(), renamed(frames)))).toEqual(renamed(state));
      expect(view(apply(start(), renamed(frames)))).toEqual(renamed(state));
    }
  });

  test('no state is changed in place', () => {
    const freeze = (value: unknown): unknown => {
      if (value && typeof value === 'object') Object.values(Object.freeze(value)).forEach(freeze);
      return value;
    };
    expect(() => frames.reduce((state, frame) => freeze(apply(state, frame)) as ChatState, start())).not.toThrow();
  });
});

test('there are a dozen of them', () => {
  expect(golden.length).toBeGreaterThanOrEqual(12);
});

test('a frame that says nothing new gives the same object', () => {
  const story = new Story();
  const state = foldEvents('chat_1', [story.event('chat', { status: 'opened' }), ...story.asks('m1', 'Hi', INTENT_1)]);
  for (const frame of [story.events[0]!, { type: 'heartbeat' } as const, { ...story.delta('x', 5, 'beyond') }]) {
    expect(apply(state, frame)).toBe(state);
  }
});

describe('streamed text', () => {
  const alphabet = fc.array(fc.constantFrom('a', 'é', 'e\u0301', '🌧️', '👩‍👩‍👧', '𝒳', '中', '\n'), { maxLength: 40 });

  test('any pieces in any order, with repeats, never make a wrong text, and the partials make it whole', () => {
    fc.assert(
      fc.property(alphabet, fc.infiniteStream(fc.nat()), (parts, dice) => {
        const points = [...parts.join('')];
        const pick = (n: number) => (n ? (dice.next().value as number) % n : 0);
        const piece = () => {
          const offset = pick(points.length + 1);
          return { offset, text: points.slice(offset, offset + pick(7)).join('') };
        };
        const story = new Story();
        let state = foldEvents('chat_1', story.asks('m1', 'Hi', INTENT_1));
        let stored = 0;
        for (let step = 0; step < 30; step++) {
          if (pick(4)) {
            const { offset, text } = piece();
            state = apply(state, story.delta('msg_1', offset, text));
          } else {
            const text = points.slice(stored, stored + 5).join('');
            state = apply(state, story.event('partial', { caused_by: 'm1', message_id: 'msg_1', offset: stored, text }));
            stored = Math.min(points.length, stored + 5);
          }
          const held = state.answers['msg_1'] ?? { text: '', length: 0 };
          expect(points.join('').startsWith(held.text)).toBe(true);
          expect([...held.text].length).toBe(held.length);
          expect(held.length).toBeGreaterThanOrEqual(stored);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a delta that comes after the end of its turn brings nothing back', () => {
    const story = new Story();
    const ids = { ...INTENT_1, caused_by: 'm1' };
    const state = one(foldEvents('chat_1', story.asks('m1', 'Hi', INTENT_1)), [
      story.delta('msg_1', 0, 'Hel'),
      story.event('response', { ...ids, message_id: 'msg_1', content: 'Hello', is_complete: false, follow_up: false }),
      story.delta('msg_1', 3, 'lo'),
      story.event('turn', { ...ids, status: 'finished', attempt: 1 }),
      story.delta('msg_1', 0, 'Hello'),
    ]);
    expect(state.answers).toEqual({});
  });
});

test('an opening in the middle knows of intents what the whole fold knows', () => {
  for (const { frames } of golden) {
    const whole = one(start(), frames);
    if (whole.status !== 'open') continue;
    for (let from = 0; from < whole.position; from++) {
      const story = new Story();
      story.events.push(...whole.events);
      const newest = whole.intent && whole.intents[whole.intent];
      const resumable = Object.values(whole.intents).filter((held) => held.status === 'abandoned');
      const opened = story.opened(from, { intent: newest || null, resumable, turn: whole.turn });
      const late = one(start(), [opened, ...whole.events.slice(from)]);
      // An older one that is complete is not told: its beginning is known to who loads it.
      const told = newest ? [newest, ...resumable] : resumable;
      for (const { user_intent_id } of told) expect(late.intents[user_intent_id]).toEqual(whole.intents[user_intent_id]);
      expect(late.intent).toEqual(whole.intent);
      expect(late.turn).toEqual(whole.turn);
    }
  }
});

test('older pages in front make the whole fold', () => {
  for (const { frames } of golden) {
    const whole = one(start(), frames);
    if (whole.status !== 'open' || whole.from > 0) continue;
    for (let from = 1; from < whole.position; from++) {
      const part = { ...foldEvents('chat_1', whole.events.slice(from)), caught_up: true, answers: whole.answers };
      const { intents, intent, turn } = whole;
      const both = prepend({ ...part, intents, intent, turn }, whole.events.slice(0, from), foldEvents);
      expect(view(both)).toEqual(view(whole));
    }
  }
});

test('resync forgets, and the opening after it begins anew', () => {
  const story = new Story();
  const before = foldEvents('chat_1', [story.event('chat', { status: 'opened' }), ...story.asks('m1', 'Hi', INTENT_1)]);
  const other = new Story();
  const first = other.event('chat', { status: 'opened' });
  const resync: ServerFrame = { type: 'resync', user_chat_id: 'chat_1', reason: 'event_mismatch' };
  const after = apply(before, [resync, other.opened(0, { intent: intent() }), first]);
  expect(after.events).toEqual([first]);
  expect(after.turns).toEqual({});
});

test('one delta in a long chat costs about what it costs in a short one', () => {
  const cost = (turns: number) => {
    const story = new Story();
    story.event('chat', { status: 'opened' });
    for (let n = 0; n < turns; n++) {
      const ids = { ...INTENT_1, caused_by: `m${n}` };
      story.asks(`m${n}`, 'Hi', INTENT_1, { begins: n === 0 });
      story.event('response', { ...ids, message_id: `a${n}`, content: 'Hello', is_complete: false, follow_up: false });
      story.event('turn', { ...ids, status: 'finished', attempt: 1 });
    }
    story.asks('last', 'Hi', INTENT_1, { begins: false });
    const state = foldEvents('chat_1', story.events);
    const run = () => {
      const begun = performance.now();
      let now = state;
      for (let n = 0; n < 500; n++) now = apply(now, story.delta('msg', n, 'x'));
      return performance.now() - begun;
    };
    run();
    return Math.min(run(), run(), run(), run(), run());
  };
  // The gate for the whole page is 3; this machine may be busy.
  expect(cost(1250)).toBeLessThan(5 * cost(12) + 1);
});
