// Every transition of the connection, with a clock, sockets and dice that the test holds.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClientFrame } from '../src/index.ts';
import { World } from './harness.ts';

let world: World;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const hellos = () => world.server.received.filter((frame) => frame.type === 'hello');
const opens = () => world.server.received.filter((frame) => frame.type === 'open');

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

describe('the way up', () => {
  test('idle until somebody wants it, then connecting, catching_up, live', async () => {
    const client = world.client();
    await pass(60_000);
    expect(client.state).toEqual({ status: 'idle' });
    expect(world.server.sockets).toHaveLength(0);
    client.connect();
    await pass(10);
    expect(world.states).toEqual(['connecting', 'catching_up', 'live']);
    expect(world.server.socket.url).toBe('ws://server.test/api/v1/chat/ws/chat');
  });

  test('the first message connects where nobody did', async () => {
    const client = world.client();
    client.send('hello');
    await pass(20);
    expect(client.state.status).toBe('live');
    expect(client.events.filter((event) => event.type === 'user')).toHaveLength(1);
  });

  test('hello asks for batches and opens a chat of the client\'s choosing', async () => {
    const client = await live();
    expect(hellos()).toEqual([{ type: 'hello', protocol: 'chatstream.v1', batch: true }]);
    expect(opens()).toMatchObject([{ user_chat_id: client.chat.user_chat_id, last: 200 }]);
    expect(client.chat.user_chat_id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  test('a message may be an array of frames', async () => {
    world.server.instead = (frame, socket) => {
      if (frame.type !== 'open') return false;
      const story = world.server.chat(frame.user_chat_id);
      const first = story.event('chat', { status: 'opened' });
      socket.tell([story.opened(0), first, story.caughtUp()]);
      return true;
    };
    const client = await live();
    expect(client.chat.position).toBe(1);
  });

  test('two calls of connect make one connection', async () => {
    const client = world.client();
    client.connect();
    client.connect();
    await pass(10);
    client.connect();
    await pass(10);
    expect(world.server.sockets).toHaveLength(1);
  });
});

describe('loss and back-off', () => {
  test('a lost connection waits with full jitter, doubling to ten seconds', async () => {
    const client = await live();
    world.server.instead = (frame, socket) => {
      if (frame.type === 'open') socket.cut(1011);
      return frame.type === 'open';
    };
    world.random = 1;
    world.server.socket.cut(1006);
    const waits: number[] = [];
    for (let loss = 1; loss <= 8; loss++) {
      expect(client.state).toMatchObject({ status: 'waiting', attempt: loss });
      waits.push((client.state as { retry_at: number }).retry_at - Date.now());
      await pass(waits.at(-1)! + 10);
    }
    expect(waits.map((ms) => Math.round(ms / 50) * 50)).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test('the wait is anything from nothing to the ceiling', async () => {
    const client = await live();
    world.random = 0;
    world.server.socket.cut(1006);
    expect((client.state as { retry_at: number }).retry_at).toBe(Date.now());
  });

  test('the counter starts anew only after five seconds of being live', async () => {
    const client = await live();
    world.server.socket.cut(1006);
    await pass(200);
    expect(client.state.status).toBe('live');
    await pass(4_000);
    world.server.socket.cut(1006);
    expect(client.state).toMatchObject({ attempt: 2 });
    await pass(400);
    await pass(5_100);
    world.server.socket.cut(1006);
    expect(client.state).toMatchObject({ attempt: 1 });
  });

  test('a server that accepts and drops causes no tight loop', async () => {
    await live();
    world.server.instead = (frame, socket) => {
      if (frame.type === 'open') socket.cut(1011);
      return frame.type === 'open';
    };
    world.server.socket.cut(1006);
    const before = world.server.sockets.length;
    await pass(60_000);
    expect(world.server.sockets.length - before).toBeLessThan(20);
  });

  test('a drain says when to come back', async () => {
    const client = await live();
    world.server.socket.tell({ type: 'drain', retry_after_ms: 3000 });
    await pass(5);
    world.server.socket.cut(1012);
    const { retry_at } = client.state as { retry_at: number };
    expect(retry_at - Date.now()).toBe(3000 + 125);
    await pass(3200);
    expect(client.state.status).toBe('live');
    world.server.socket.cut(1006);
    expect((client.state as { retry_at: number }).retry_at - Date.now()).toBeLessThan(3000);
  });

  test.each([1001, 1006, 1011, 1012, 4408])('close code %i is retried', async (code) => {
    const client = await live();
    world.server.socket.cut(code);
    expect(client.state.status).toBe('waiting');
    await pass(300);
    expect(client.state.status).toBe('live');
  });

  test.each([4400, 1002, 1007])('close code %i is final', async (code) => {
    const client = await live();
    world.server.socket.cut(code);
    expect(client.state).toEqual({ status: 'closed', reason: 'protocol' });
    world.page.fire('online');
    await pass(60_000);
    expect(world.server.sockets).toHaveLength(1);
  });

  test('after a flood it comes back in a minute', async () => {
    const client = await live();
    world.server.socket.cut(4429);
    await pass(59_000);
    expect(client.state.status).toBe('waiting');
    await pass(1_100);
    expect(client.state.status).toBe('live');
  });

  test('retryNow does not wait', async () => {
    const client = await live();
    world.server.socket.cut(4429);
    client.retryNow();
    await pass(10);
    expect(client.state.status).toBe('live');
  });

  test('disconnect is the end, and connect a new beginning', async () => {
    const client = await live();
    client.disconnect();
    expect(client.state).toEqual({ status: 'closed', reason: 'left' });
    world.page.fire('online');
    await pass(60_000);
    expect(world.server.sockets).toHaveLength(1);
    client.connect();
    await pass(10);
    expect(client.state.status).toBe('live');
  });
});

describe('is anybody there', () => {
  test('silence for two heartbeats and five seconds drops the connection', async () => {
    const client = await live();
    await pass(44_900);
    expect(client.state.status).toBe('live');
    await pass(200);
    expect(world.server.sockets).toHaveLength(2);
    expect(opens().at(-1)).toMatchObject({ after: 1, after_event: client.events[0]!.event_id });
  });

  test('heartbeats keep it', async () => {
    await live();
    for (let beat = 0; beat < 20; beat++) {
      await pass(20_000);
      world.server.socket.tell({ type: 'heartbeat' });
    }
    expect(world.server.sockets).toHaveLength(1);
  });

  test.each(['visibilitychange', 'online', 'offline', 'pageshow'])('%s asks, and an answer is enough', async (type) => {
    await live();
    world.page.fire(type);
    await pass(10);
    expect(world.server.received.at(-1)).toEqual({ type: 'ping' });
    await pass(10_000);
    expect(world.server.sockets).toHaveLength(1);
  });

  test('without an answer within three seconds it dials anew at once', async () => {
    const client = await live();
    world.server.instead = (frame) => frame.type === 'ping';
    world.page.fire('visibilitychange');
    await pass(2_900);
    expect(world.server.sockets).toHaveLength(1);
    await pass(200);
    expect(world.server.sockets).toHaveLength(2);
    expect(client.state.status).toBe('live');
  });

  test('a hidden page is left alone', async () => {
    await live();
    world.page.visible = false;
    const before = world.server.received.length;
    world.page.fire('visibilitychange');
    await pass(5_000);
    expect(world.server.received).toHaveLength(before);
    expect(world.server.sockets).toHaveLength(1);
  });

  test('without a network it is offline, and back when the network is', async () => {
    const client = await live();
    world.page.online = false;
    world.server.upgrade = 'refuse';
    world.server.socket.cut(1006);
    expect(client.state).toMatchObject({ status: 'offline', attempt: 1 });
    await pass(60_000);
    world.page.online = true;
    world.server.upgrade = 'accept';
    world.page.fire('online');
    expect(client.state.status).toBe('connecting');
    await pass(6_000);
    expect(client.state.status).toBe('live');
  });

  test('an upgrade that hangs is given up', async () => {
    world.server.upgrade = 'hang';
    const client = world.client();
    client.connect();
    await pass(8_100);
    expect(client.state.status).not.toBe('live');
    expect(world.states).toContain('waiting');
  });
});

describe('idle', () => {
  const fiveMinutes = { idleCloseMs: 300_000 };
  const beat = () => world.server.socket.tell({ type: 'heartbeat' });
  const rest = async () => {
    const client = await live(fiveMinutes);
    for (let passed = 0; passed < 320_000; passed += 20_000) {
      await pass(20_000);
      beat();
    }
    expect(client.state.status).toBe('idle');
    return client;
  };

  test('lets go after five minutes and comes back with the next message', async () => {
    const client = await rest();
    client.send('hello again');
    await pass(20);
    expect(client.state.status).toBe('live');
    expect(client.events.at(-1)).toMatchObject({ content: 'hello again' });
  });

  test('comes back when the tab becomes visible', async () => {
    const client = await rest();
    world.page.fire('visibilitychange');
    await pass(10);
    expect(client.state.status).toBe('live');
  });

  test('comes back when another tab says something', async () => {
    const client = await rest();
    world.page.fire('storage', { key: 'somebody-else' });
    await pass(10);
    expect(client.state.status).toBe('idle');
    world.page.fire('storage', { key: `chatstream:${client.url}:said` });
    await pass(10);
    expect(client.state.status).toBe('live');
  });

  test('is not idle while a turn runs', async () => {
    const client = await live(fiveMinutes);
    world.server.stores(client.chat.user_chat_id, ['turn', { status: 'started', attempt: 1, caused_by: 'm1' }]);
    for (let passed = 0; passed < 640_000; passed += 20_000) {
      await pass(20_000);
      beat();
    }
    expect(client.state.status).toBe('live');
  });

  test('the server may let go too', async () => {
    const client = await live();
    world.server.socket.cut(4410);
    expect(client.state.status).toBe('idle');
    client.send('hello');
    await pass(20);
    expect(client.state.status).toBe('live');
  });
});

describe('who the user is', () => {
  const refuse = (frame: ClientFrame, socket: { cut(code: number): void }) => {
    if (frame.type === 'hello') socket.cut(4401);
    return frame.type === 'hello';
  };

  test('a visitor keeps the token that the server gave', async () => {
    world.server.welcome = { token: 'visitor-token' };
    (await live()).disconnect();
    await live();
    expect(hellos().at(-1)).toMatchObject({ token: 'visitor-token' });
  });

  test('a refused visitor becomes a new one, once', async () => {
    world.server.welcome = { token: 'visitor-token' };
    (await live()).disconnect();
    world.server.instead = refuse;
    const client = world.client();
    client.connect();
    await pass(30);
    expect(hellos().slice(1)).toEqual([
      expect.objectContaining({ token: 'visitor-token' }),
      expect.not.objectContaining({ token: 'visitor-token' }),
    ]);
    expect(client.state).toEqual({ status: 'closed', reason: 'unauthenticated' });
  });

  test('the host\'s token is asked for once and used again', async () => {
    const getToken = vi.fn(() => Promise.resolve('host-token'));
    await live({ getToken });
    world.server.socket.cut(1006);
    await pass(300);
    expect(hellos()).toHaveLength(2);
    expect(hellos()[1]).toMatchObject({ token: 'host-token' });
    expect(getToken).toHaveBeenCalledTimes(1);
  });

  test('4401 asks for a fresh one, once, then it is over', async () => {
    let calls = 0;
    const getToken = () => `token-${++calls}`;
    const client = await live({ getToken });
    world.server.socket.cut(4401);
    await pass(10);
    expect(client.state.status).toBe('live');
    expect(hellos().at(-1)).toMatchObject({ token: 'token-2' });
    world.server.socket.cut(4401);
    expect(client.state).toEqual({ status: 'closed', reason: 'unauthenticated' });
    await pass(60_000);
    expect(calls).toBe(2);
  });

  test('after five good seconds a second expiry is met with a fresh one again', async () => {
    const client = await live({ getToken: () => 'token' });
    world.server.socket.cut(4401);
    await pass(6_000);
    world.server.socket.cut(4401);
    await pass(10);
    expect(client.state.status).toBe('live');
  });

  test('a token is renewed before it expires, on the same connection', async () => {
    let calls = 0;
    world.server.heartbeatSeconds = 3600;
    world.server.welcome = { token_expires_at: new Date(Date.now() + 600_000).toISOString() };
    await live({ getToken: () => `token-${++calls}` });
    await pass(530_000);
    expect(calls).toBe(1);
    world.server.welcome = { token_expires_at: new Date(Date.now() + 600_000).toISOString() };
    await pass(20_000);
    expect(world.server.received.at(-1)).toEqual({ type: 'auth', token: 'token-2' });
    await pass(500_000);
    expect(calls).toBe(2);
    expect(world.server.sockets).toHaveLength(1);
  });

  test('a visitor\'s token of a year overflows no timer', async () => {
    world.server.welcome = { token: 'v', token_expires_at: new Date(Date.now() + 31_536_000_000).toISOString() };
    await live();
    await pass(1_000);
    expect(world.server.received.filter((frame) => frame.type === 'auth')).toEqual([]);
  });

  test('getToken that fails is tried again, as a network is', async () => {
    let calls = 0;
    const getToken = () => (++calls < 3 ? Promise.reject(new Error('no network')) : Promise.resolve('token'));
    const client = world.client({ getToken });
    client.connect();
    await pass(2_000);
    expect(client.state.status).toBe('live');
    expect(calls).toBe(3);
  });

  test('a token that arrives after disconnect opens nothing', async () => {
    let give = (_: string) => {};
    const client = world.client({ getToken: () => new Promise<string>((resolve) => (give = resolve)) });
    client.connect();
    client.disconnect();
    give('late');
    await pass(1_000);
    expect(world.server.sockets).toHaveLength(0);
  });
});
