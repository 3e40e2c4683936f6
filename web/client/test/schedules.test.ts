// Any drops, losses, repeats, reorderings and resends end in the server's own state, with each message stored once and
// in the order it was typed.
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatClient, EventFrame, ServerFrame } from '../src/index.ts';
import { World } from './harness.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

type Step =
  | { does: 'say' }
  | { does: 'store' }
  | { does: 'answer' }
  | { does: 'cut'; code: number }
  | { does: 'wait'; ms: number }
  | { does: 'reload' }
  | { does: 'network'; mischief: 'none' | 'lose' | 'repeat' | 'swap' }
  | { does: 'upgrade'; is: 'accept' | 'refuse' }
  | { does: 'refuse'; code: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ does: 'say' } as const) },
  { weight: 4, arbitrary: fc.constant({ does: 'store' } as const) },
  { weight: 2, arbitrary: fc.constant({ does: 'answer' } as const) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('cut' as const), code: fc.constantFrom(1006, 1011, 1012, 4408, 4410) }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.constant({ does: 'reload' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('network' as const),
      mischief: fc.constantFrom('none' as const, 'lose' as const, 'repeat' as const, 'swap' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('upgrade' as const), is: fc.constantFrom('accept' as const, 'refuse' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('refuse' as const), code: fc.constantFrom('unavailable', 'overloaded', 'rate_limited') }) },
);

function mischiefOf(kind: 'none' | 'lose' | 'repeat' | 'swap', random: () => number) {
  let kept: ServerFrame | ServerFrame[] | undefined;
  return (message: ServerFrame | ServerFrame[]) => {
    if (kind === 'none' || random() < 0.5) return [message];
    // What says that the past is delivered is not lost on a stream that delivered the past.
    const isEvent = !Array.isArray(message) && ('event_id' in message || message.type === 'delta' || message.type === 'ack');
    if (!isEvent) return [message];
    if (kind === 'lose') return [];
    if (kind === 'repeat') return [message, message];
    const before = kept;
    kept = before ? undefined : message;
    return before ? [message, before] : [];
  };
}

async function run(steps: Step[], seed: number): Promise<void> {
  let state = seed;
  const random = () => ((state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31);
  const world = new World();
  world.random = 0.5;
  const { server } = world;
  let client: ChatClient = world.client({ chat: 'chat_1' });
  client.connect();
  const typed: string[] = [];
  let stored = 0;
  for (const step of steps) {
    switch (step.does) {
      case 'say':
        if (client.send(`said ${typed.length}`)) typed.push(`said ${typed.length}`);
        break;
      case 'store':
        server.stores('chat_1', ['context', { source: `${++stored}` }]);
        break;
      case 'answer': {
        const n = ++stored;
        server.stores('chat_1', ['turn', { status: 'started', attempt: 1, caused_by: `t${n}` }]);
        server.publish(server.chat('chat_1').delta(`a${n}`, 0, '🌧 answer'));
        server.stores('chat_1', ['partial', { message_id: `a${n}`, offset: 0, text: '🌧 answer', caused_by: `t${n}` }]);
        break;
      }
      case 'cut':
        server.sockets.at(-1)?.cut(step.code);
        break;
      case 'wait':
        await vi.advanceTimersByTimeAsync(step.ms);
        break;
      case 'reload':
        client.disconnect();
        client = world.client({ chat: 'chat_1' });
        client.connect();
        break;
      case 'network':
        server.network = mischiefOf(step.mischief, random);
        break;
      case 'upgrade':
        server.upgrade = step.is;
        break;
      case 'refuse': {
        let times = 1;
        server.instead = (frame, socket) => {
          if (frame.type !== 'send' || times-- <= 0) return false;
          const { id, user_chat_id } = frame;
          socket.tell({ type: 'rejected', id, user_chat_id, code: step.code, message: '' });
          return true;
        };
        break;
      }
    }
  }
  server.network = (message) => [message];
  server.instead = () => false;
  server.upgrade = 'accept';
  client.retryNow();
  await vi.advanceTimersByTimeAsync(120_000);
  // A rest that the server asked for ends with the next thing that is said.
  client.connect();
  await vi.advanceTimersByTimeAsync(120_000);
  server.stores('chat_1', ['context', { source: 'last' }]);
  await vi.advanceTimersByTimeAsync(1_000);

  const log = server.chat('chat_1').events;
  expect(client.state.status).toBe('live');
  expect(client.events).toEqual(log);
  expect(client.outbox).toEqual([]);
  const said = log.filter((event): event is EventFrame & { content: string } => event.type === 'user');
  expect(said.map((event) => event.content)).toEqual(typed);
  if (client.chat.turn) {
    const last = `a${Number(client.chat.turn.message_id.slice(1))}`;
    expect(client.chat.answers[last]?.text).toBe('🌧 answer');
  }
  client.disconnect();
}

test('thousands of schedules', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(2 ** 31 - 1), run),
    { numRuns: Number(process.env['CHATSTREAM_SCHEDULES'] ?? 2000) },
  );
});
