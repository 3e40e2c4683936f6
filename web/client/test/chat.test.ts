// The chat over the connection: cursor, gaps, the outbox, other chats.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClientFrame, SendCommand } from '../src/index.ts';
import type { FakeSocket } from './fake-server.ts';
import { World } from './harness.ts';

let world: World;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const opens = () => world.server.received.filter((frame) => frame.type === 'open');
const sends = () => world.server.received.filter((frame): frame is SendCommand => frame.type === 'send');
const statuses = (client: { outbox: readonly { status: string }[] }) => client.outbox.map((item) => item.status);

beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});
afterEach(() => vi.useRealTimers());

async function live(options = {}) {
  const client = world.client(options);
  client.connect();
  await pass(10);
  expect(client.state.status).toBe('live');
  return client;
}

function refusing(code: string, times: number, fields = {}) {
  return (frame: ClientFrame, socket: FakeSocket) => {
    if (frame.type !== 'send' || times-- <= 0) return false;
    const { id, user_chat_id } = frame;
    socket.tell({ type: 'rejected', id, user_chat_id, code, message: code, ...fields });
    return true;
  };
}

describe('the cursor', () => {
  test('a reconnect goes on where it was, and repeats nothing', async () => {
    const client = await live();
    client.send('one');
    await pass(10);
    world.server.socket.cut(1006);
    world.server.stores(client.chat.user_chat_id, ['thinking', { step: 'x', status: 'completed', content: 'y' }]);
    await pass(300);
    expect(opens().at(-1)).toMatchObject({ after: 2, after_event: client.events[1]!.event_id });
    expect(client.events.map((event) => event.position)).toEqual([1, 2, 3]);
  });

  test('a gap is asked for again from the cursor', async () => {
    const client = await live();
    const chat = client.chat.user_chat_id;
    world.server.network = () => [];
    world.server.stores(chat, ['context', { source: 'lost' }]);
    world.server.network = (message) => [message];
    world.server.stores(chat, ['context', { source: 'seen' }]);
    await pass(20);
    expect(opens()).toHaveLength(2);
    expect(client.events.map((event) => event.position)).toEqual([1, 2, 3]);
    expect(client.state.status).toBe('live');
  });

  test('an event of an unknown type moves it', async () => {
    const client = await live();
    world.server.stores(client.chat.user_chat_id, ['from_the_future', { content: 'x' }]);
    await pass(5);
    expect(client.chat.position).toBe(2);
  });

  test('resync forgets and begins anew', async () => {
    const client = await live();
    client.send('one');
    await pass(10);
    const chat = client.chat.user_chat_id;
    world.server.socket.cut(1006);
    world.server.chats.delete(chat);
    world.server.stores(chat, ['chat', { status: 'opened' }], ['context', { source: 'restored' }]);
    (world.server.chat(chat).events[1] as { event_id: string }).event_id = 'evt_other';
    await pass(300);
    expect(client.events.map((event) => event.type)).toEqual(['chat', 'context']);
  });

  test('two tabs on one chat see the same', async () => {
    const one = await live();
    const two = await live({ chat: one.chat.user_chat_id });
    one.send('from one');
    two.send('from two');
    await pass(20);
    expect(two.events).toEqual(one.events);
    expect(one.events).toHaveLength(3);
  });

  test('a listener is told of each change, with a new snapshot', async () => {
    const client = await live();
    const snapshots = [client.snapshot];
    const stop = client.subscribe(() => snapshots.push(client.snapshot));
    client.send('one');
    await pass(10);
    expect(new Set(snapshots).size).toBeGreaterThan(2);
    expect(client.snapshot).toBe(client.snapshot);
    stop();
    const before = snapshots.length;
    client.send('two');
    expect(snapshots).toHaveLength(before);
  });
});

describe('the outbox', () => {
  test('a message is shown at once, then sent, then the event itself', async () => {
    const client = await live();
    client.send('hello');
    expect(client.outbox).toMatchObject([{ command: { type: 'send', content: 'hello' }, status: 'sending' }]);
    await pass(10);
    expect(client.outbox).toEqual([]);
    expect(client.events.at(-1)).toMatchObject({ type: 'user', content: 'hello', message_id: sends()[0]!.id });
  });

  test('an ack before the event leaves no moment without the message', async () => {
    const client = await live();
    world.server.instead = (frame, socket) => {
      if (frame.type !== 'send') return false;
      socket.tell({ type: 'ack', id: frame.id, user_chat_id: frame.user_chat_id, position: 2 });
      const event = world.server.chat(frame.user_chat_id).event('user', { message_id: frame.id, content: frame.content });
      setTimeout(() => socket.tell(event), 100);
      return true;
    };
    client.send('hello');
    await pass(50);
    expect(statuses(client)).toEqual(['sent']);
    await pass(100);
    expect(client.outbox).toEqual([]);
    expect(client.events).toHaveLength(2);
  });

  test('what was not acknowledged is sent again with the same id, and stored once', async () => {
    const client = await live();
    world.server.network = (message) => ('type' in message && message.type === 'ack' ? [] : [message]);
    world.server.instead = (frame, socket) => {
      if (frame.type === 'send') queueMicrotask(() => socket.cut(1006));
      return false;
    };
    client.send('once');
    await pass(5);
    expect(client.state.status).toBe('waiting');
    world.server.instead = () => false;
    world.server.network = (message) => [message];
    await pass(400);
    expect(new Set(sends().map((frame) => frame.id)).size).toBe(1);
    expect(client.events.filter((event) => event.type === 'user')).toHaveLength(1);
    expect(client.outbox).toEqual([]);
  });

  test('what is said offline goes out later, in order', async () => {
    const client = await live();
    world.server.upgrade = 'refuse';
    world.server.socket.cut(1006);
    for (const word of ['one', 'two', 'three']) client.send(word);
    await pass(5_000);
    expect(statuses(client)).toEqual(['waiting', 'waiting', 'waiting']);
    world.server.upgrade = 'accept';
    await pass(15_000);
    expect(client.events.slice(1)).toMatchObject([{ content: 'one' }, { content: 'two' }, { content: 'three' }]);
  });

  test('a reload loses nothing', async () => {
    const before = await live();
    world.server.upgrade = 'refuse';
    world.server.socket.cut(1006);
    before.send('typed before the reload');
    before.disconnect();
    world.server.upgrade = 'accept';
    const after = world.client();
    expect(after.chat.user_chat_id).toBe(before.chat.user_chat_id);
    expect(after.outbox).toMatchObject([{ command: { content: 'typed before the reload' }, status: 'waiting' }]);
    after.connect();
    await pass(20);
    expect(after.events.at(-1)).toMatchObject({ content: 'typed before the reload' });
    expect(world.client().outbox).toEqual([]);
  });

  test('holds fifty and takes no more', async () => {
    const client = world.client();
    world.server.upgrade = 'hang';
    for (let n = 0; n < 50; n++) expect(client.send(`${n}`)).toEqual(expect.any(String));
    expect(client.send('one too many')).toBeNull();
    expect(client.outbox).toHaveLength(50);
  });

  test('expires after ten minutes and asks', async () => {
    const client = world.client();
    world.server.upgrade = 'refuse';
    const id = client.send('old')!;
    await pass(595_000);
    expect(statuses(client)).toEqual(['waiting']);
    await pass(11_000);
    expect(client.outbox).toMatchObject([{ status: 'failed', error: { code: 'expired' } }]);
    world.server.upgrade = 'accept';
    await pass(15_000);
    expect(sends()).toEqual([]);
    client.resend(id);
    await pass(10);
    expect(client.events.at(-1)).toMatchObject({ content: 'old', message_id: id });
  });

  test.each(['unavailable', 'overloaded', 'rate_limited'])('%s is kept and tried again, before what came later', async (code) => {
    const client = await live();
    world.server.instead = refusing(code, 2);
    client.send('first');
    client.send('second');
    await pass(10);
    expect(statuses(client)).toEqual(['waiting', 'waiting']);
    await pass(10_000);
    expect(client.events.slice(1)).toMatchObject([{ content: 'first' }, { content: 'second' }]);
  });

  test('retry_after is heeded', async () => {
    const client = await live();
    world.server.instead = refusing('rate_limited', 1, { retry_after: 7 });
    client.send('first');
    await pass(6_900);
    expect(sends()).toHaveLength(1);
    await pass(4_000);
    expect(sends()).toHaveLength(2);
    expect(client.outbox).toEqual([]);
  });

  test('another refusal is shown, with its reasons, until it is sent again or thrown away', async () => {
    const client = await live();
    const details = { fields: { time: 'is not a time' } };
    world.server.instead = refusing('invalid_form', 1, { details });
    const id = client.send('bad')!;
    await pass(10);
    expect(client.outbox).toMatchObject([{ status: 'failed', error: { code: 'invalid_form', details } }]);
    client.send('good');
    await pass(10);
    expect(client.events.at(-1)).toMatchObject({ content: 'good' });
    client.discard(id);
    expect(client.outbox).toEqual([]);
  });

  test('a frame that the server calls too large is not sent again', async () => {
    const client = await live();
    world.server.instead = (frame, socket) => {
      const tooLarge = frame.type === 'send' && frame.content.length > 100;
      if (tooLarge) socket.cut(1009);
      return tooLarge;
    };
    client.send('x'.repeat(101));
    client.send('small');
    await pass(400);
    expect(client.outbox).toMatchObject([{ status: 'failed', error: { code: 'too_large' } }]);
    expect(client.events.at(-1)).toMatchObject({ content: 'small' });
  });

  test('a command that is never answered drops the connection and goes again', async () => {
    const client = await live();
    world.server.instead = (frame) => frame.type === 'send';
    client.send('hello');
    await pass(29_000);
    world.server.instead = () => false;
    await pass(2_000);
    expect(client.outbox).toEqual([]);
    expect(client.events.filter((event) => event.type === 'user')).toHaveLength(1);
  });

  test('what another user of this tab left is neither shown nor sent', async () => {
    const before = await live();
    world.server.upgrade = 'refuse';
    world.server.socket.cut(1006);
    before.send('a secret of user 1');
    before.disconnect();
    world.server.upgrade = 'accept';
    world.server.welcome = { user_id: 'user_2' };
    const after = world.client({ chat: 'chat_of_2' });
    after.connect();
    await pass(50);
    expect(sends()).toEqual([]);
  });
});

describe('commands', () => {
  test('say what they mean', async () => {
    const client = await live();
    world.server.stores(client.chat.user_chat_id, ['turn', { status: 'started', attempt: 1, caused_by: 'm1' }]);
    await pass(10);
    client.stop();
    client.submit('cmp_1', { time: '7:00' });
    client.retry('m1');
    client.resume('intent_1');
    client.abandon('intent_2');
    client.close();
    client.send('hi', { new_intent: true });
    await pass(100);
    const commands = world.server.received.slice(2).map((frame) => {
      const { id: _, user_chat_id: __, ...rest } = frame as SendCommand;
      return rest;
    });
    expect(commands).toEqual([
      { type: 'cancel', turn: 'm1' },
      { type: 'submit', component_id: 'cmp_1', values: { time: '7:00' } },
      { type: 'retry', message_id: 'm1' },
      { type: 'resume', user_intent_id: 'intent_1' },
      { type: 'abandon', user_intent_id: 'intent_2' },
      { type: 'close' },
      { type: 'send', content: 'hi', new_intent: true },
    ]);
  });
});

describe('other chats', () => {
  test('the last one of this browser is opened again', async () => {
    const first = await live();
    first.open('chat_b');
    await pass(10);
    first.disconnect();
    expect((await live()).chat.user_chat_id).toBe('chat_b');
  });

  test('switching leaves the one before and shows the other', async () => {
    const client = await live({ chat: 'chat_a' });
    client.send('in a');
    await pass(10);
    client.open('chat_b');
    await pass(10);
    world.server.stores('chat_a', ['context', { source: 'unheard' }]);
    client.send('in b');
    await pass(10);
    expect(world.server.received).toContainEqual({ type: 'leave', user_chat_id: 'chat_a' });
    expect(client.events.map((event) => event.user_chat_id)).toEqual(['chat_b', 'chat_b']);
    client.open('chat_a');
    await pass(10);
    expect(client.chat.position).toBe(3);
    expect(client.state.status).toBe('live');
  });

  test('kept events are shown at once and continued', async () => {
    const client = await live({ chat: 'chat_a' });
    client.send('in a');
    await pass(10);
    const { events } = client;
    client.open('chat_b');
    await pass(10);
    client.open('chat_a', { events });
    expect(client.events).toEqual(events);
    await pass(10);
    expect(opens().at(-1)).toMatchObject({ user_chat_id: 'chat_a', after: 2, after_event: events[1]!.event_id });
    expect(client.events).toEqual(events);
  });

  test('what was said in a new chat without a network arrives, though another one is shown', async () => {
    const client = world.client({ chat: 'chat_a' });
    world.server.upgrade = 'refuse';
    client.send('left behind');
    await pass(100);
    client.open('chat_b');
    world.server.upgrade = 'accept';
    await pass(15_000);
    expect(world.server.chat('chat_a').events.at(-1)).toMatchObject({ content: 'left behind' });
    expect(client.events.map((event) => event.user_chat_id)).toEqual(['chat_b']);
  });

  test('a chat of somebody else is refused for good when it was asked for', async () => {
    world.server.instead = (frame, socket) => {
      if (frame.type !== 'open') return false;
      socket.tell({ type: 'rejected', id: frame.id!, user_chat_id: 'x', code: 'not_found', message: 'no' });
      return true;
    };
    const client = world.client({ chat: 'chat_of_another' });
    client.connect();
    await pass(20);
    expect(client.state).toEqual({ status: 'closed', reason: 'not_found' });
  });

  test('a remembered one that is not ours any more gives way to a new one, with what was typed', async () => {
    const before = await live();
    const stale = before.chat.user_chat_id;
    before.disconnect();
    const client = world.client();
    client.send('typed');
    world.server.instead = (frame, socket) => {
      if (frame.type !== 'open' || frame.user_chat_id !== stale) return false;
      socket.tell({ type: 'rejected', id: stale, user_chat_id: stale, code: 'not_found', message: 'no' });
      return true;
    };
    await pass(30);
    expect(client.chat.user_chat_id).not.toBe(stale);
    expect(client.events.at(-1)).toMatchObject({ content: 'typed' });
  });

  test('an open that is refused for now is tried again', async () => {
    let refusals = 2;
    world.server.instead = (frame, socket) => {
      if (frame.type !== 'open' || refusals-- <= 0) return false;
      socket.tell({ type: 'rejected', id: frame.id!, code: 'unavailable', message: 'storage' });
      return true;
    };
    const client = world.client();
    client.connect();
    await pass(2_000);
    expect(client.state.status).toBe('live');
  });
});

describe('history upwards', () => {
  test('older pages go in front, until there are none', async () => {
    const story = world.server.chat('chat_long');
    story.event('chat', { status: 'opened' });
    for (let n = 2; n <= 500; n++) story.event('context', { source: `${n}` });
    const fetch = vi.fn(async (input: RequestInfo | URL) => {
      const query = new URL(String(input)).searchParams;
      const after = Number(query.get('after'));
      const items = story.events.slice(after, after + Number(query.get('limit')));
      return new Response(JSON.stringify({ items, next: null }));
    });
    const client = await live({ chat: 'chat_long', environment: { fetch } });
    expect(client.chat.from).toBe(300);
    expect(await client.loadEarlier()).toBe(true);
    expect(client.chat.from).toBe(100);
    expect(await client.loadEarlier()).toBe(false);
    expect(client.events.map((event) => event.position)).toEqual(story.events.map((event) => event.position));
    expect(await client.loadEarlier()).toBe(false);
    expect(fetch).toHaveBeenCalledTimes(2);
  });
});
