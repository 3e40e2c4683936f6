// The fall-back: the same frames by server-sent events and POST, from a server of Node's own that follows the protocol.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ChatClient, type ClientOptions } from '../src/index.ts';
import { memory } from './harness.ts';
import { Story } from './story.ts';

/** No WebSocket gets through here. */
class Blocked {
  static tried = 0;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor() {
    Blocked.tried++;
    setTimeout(() => this.onclose?.({ code: 1006 }));
  }
  close(): void {}
}

class HttpServer {
  readonly story = new Story('chat_1');
  readonly requests: { method: string; url: string; token: string | undefined; body: Record<string, unknown> }[] = [];
  readonly streams = new Set<ServerResponse>();
  refuse: { status: number; code: string; retryAfter?: string } | undefined;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/api/v1`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  tell(frame: { position?: number }): void {
    const id = frame.position ? `id: ${frame.position}\n` : '';
    for (const stream of this.streams) stream.write(`${id}data: ${JSON.stringify(frame)}\n\n`);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method = '', url = '' } = request;
    const path = url.replace('/api/v1', '');
    const token = request.headers.authorization;
    const body = text ? JSON.parse(text) : {};
    this.requests.push({ method, url: path, token, body });
    const json = (status: number, value: object, headers = {}) =>
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));
    if (path === '/visitors') return void json(201, { user_id: 'visitor_1', token: 'visitor-token' });
    if (token !== 'Bearer visitor-token') return void json(401, { code: 'unauthenticated', detail: 'no' });
    if (method === 'GET') return path.startsWith('/chats/') ? this.follow(path, response) : void json(200, { items: [] });
    if (path === '/chats') {
      const created = this.story.position === 0;
      if (created) this.story.event('chat', { status: 'opened' });
      const { type: _, created: __, from: ___, ...view } = this.story.opened();
      return void json(created ? 201 : 200, view);
    }
    if (this.refuse) {
      const { status, code, retryAfter } = this.refuse;
      this.refuse = undefined;
      return void json(status, { code, detail: code }, retryAfter ? { 'Retry-After': retryAfter } : {});
    }
    const event = this.story.event('user', { message_id: body.id, content: body.content });
    json(202, { id: body.id, user_chat_id: 'chat_1', position: event.position });
    this.tell(event);
  }

  private follow(path: string, response: ServerResponse): void {
    const after = Number(new URLSearchParams(path.split('?')[1]).get('after'));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    const frames: { position?: number }[] = [...this.story.events.slice(after)];
    if (after > this.story.position) frames.push({ type: 'resync', user_chat_id: 'chat_1', reason: 'x' } as object);
    for (const frame of [...frames, this.story.caughtUp() as object]) {
      const { position } = frame as { position?: number };
      response.write(`${'event_id' in frame ? `id: ${position}\n` : ''}data: ${JSON.stringify(frame)}\n\n`);
    }
    response.write(': heartbeat\n\n');
  }
}

let server: HttpServer;
let url: string;
let client: ChatClient | undefined;

beforeEach(async () => {
  server = new HttpServer();
  url = await server.listen();
  Blocked.tried = 0;
});
afterEach(() => {
  client?.disconnect();
  server.stop();
});

async function live(options: ClientOptions = {}): Promise<ChatClient> {
  client = new ChatClient({
    url,
    chat: 'chat_1',
    ...options,
    environment: {
      WebSocket: Blocked as unknown as typeof WebSocket,
      local: memory(),
      session: memory(),
      ...options.environment,
    },
  });
  client.connect();
  await until(() => client!.state.status === 'live');
  return client;
}

const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 8_000, interval: 5 });
const paths = () => server.requests.map(({ method, url }) => `${method} ${url}`);

describe('without WebSocket', () => {
  test('two failed upgrades, then the same chat by other means', async () => {
    const chat = await live();
    expect(Blocked.tried).toBe(2);
    expect(paths()).toEqual(['POST /visitors', 'POST /chats', 'GET /chats/chat_1/events?after=0']);
    chat.send('hello 🌧');
    await until(() => chat.chat.position === 2);
    expect(chat.events.at(-1)).toMatchObject({ content: 'hello 🌧' });
    expect(chat.outbox).toEqual([]);
  });

  test('the token is never in an address', async () => {
    await live();
    expect(paths().join()).not.toContain('visitor-token');
    expect(server.requests.slice(1).map(({ token }) => token)).not.toContain(undefined);
  });

  test('a stream that ends is taken up again at the cursor', async () => {
    const chat = await live();
    for (const stream of server.streams) stream.end();
    server.story.event('context', { source: 'meanwhile' });
    await until(() => chat.chat.position === 2);
    expect(chat.events.map((event) => event.position)).toEqual([1, 2]);
  });

  test('deltas and frames cut anywhere arrive whole', async () => {
    const chat = await live();
    const turn = server.story.event('turn', { status: 'started', attempt: 1, caused_by: 'm1' });
    const bytes = Buffer.from(
      `id: 2\ndata: ${JSON.stringify(turn)}\n\ndata: ${JSON.stringify(server.story.delta('a1', 0, '🌧️ rain'))}\n\n`,
    );
    for (const byte of bytes) {
      for (const stream of server.streams) stream.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await until(() => chat.chat.answers['a1']?.text === '🌧️ rain');
  });

  test('a cursor whose event is another one begins anew', async () => {
    const chat = await live();
    server.story.events[0] = { ...server.story.events[0]!, event_id: 'evt_restored' };
    for (const stream of server.streams) stream.end();
    await until(() => chat.events[0]?.event_id === 'evt_restored');
    expect(chat.events).toHaveLength(1);
    expect(chat.state.status).toBe('live');
  });

  test('a refusal carries its code, and one for now is tried again when it says', async () => {
    const chat = await live();
    server.refuse = { status: 409, code: 'chat_closed' };
    const id = chat.send('too late')!;
    await until(() => chat.outbox[0]?.status === 'failed');
    expect(chat.outbox[0]).toMatchObject({ error: { code: 'chat_closed' } });
    chat.discard(id);
    server.refuse = { status: 503, code: 'overloaded' };
    chat.send('patience');
    await until(() => chat.events.at(-1)?.type === 'user');
    expect(server.requests.filter(({ body }) => body.content === 'patience')).toHaveLength(2);
  });

  test('a refused token is refused for good after one more try', async () => {
    let calls = 0;
    client = new ChatClient({
      url,
      getToken: () => `bad-${++calls}`,
      environment: { WebSocket: Blocked as unknown as typeof WebSocket, local: memory(), session: memory() },
    });
    client.connect();
    await until(() => client!.state.status === 'closed');
    expect(client.state).toEqual({ status: 'closed', reason: 'unauthenticated' });
    expect(calls).toBe(2);
  });
});
