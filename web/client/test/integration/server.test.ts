// The client against the real server, by WebSocket and without. The server is taken from CHATSTREAM_BIN, else from the
// virtual environment beside this folder; without one, skipped aloud. It is started once: each test is a visitor of its
// own, and those that end it start it again.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket as NodeWebSocket } from 'ws';
import { ChatClient, type ClientOptions } from '../../src/index.ts';
import { memory } from '../harness.ts';

const program =
  process.env['CHATSTREAM_BIN'] ?? fileURLToPath(new URL('../../../../.venv/bin/chatstream', import.meta.url));
const isThere = existsSync(program);
if (!isThere) console.warn(`\n*** SKIP: no server at ${program}: the client was not run against a real one\n`);

const STARTS_MS = 30_000;

/** The built-in assistant takes its time, as a model does. */
const AGENT = `
import asyncio

async def agent(turn):
    yield "You said: "
    await asyncio.sleep(0.05)
    yield turn.content
`;

class RealServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'chatstream-client-'));
  port = 0;
  private process: ChildProcess | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.port}/api/v1`;
  }

  async start(settings: Record<string, string> = {}): Promise<void> {
    this.port ||= await freePort();
    const database = `sqlite:///${join(this.folder, 'chat.db')}`;
    writeFileSync(join(this.folder, 'integration_agent.py'), AGENT);
    const agent = 'integration_agent:agent';
    this.process = spawn(program, ['serve', '--port', `${this.port}`, '--database', database, '--agent', agent], {
      cwd: this.folder,
      env: { ...process.env, CHATSTREAM_HEARTBEAT: '2', ...settings },
      stdio: 'ignore',
    });
    const ready = `http://127.0.0.1:${this.port}/health/ready`;
    await vi.waitFor(async () => expect((await fetch(ready)).status).toBe(200), { timeout: STARTS_MS, interval: 100 });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const gone = new Promise((resolve) => this.process?.once('exit', resolve));
    this.process?.kill(signal);
    await gone;
  }

  remove(): void {
    this.process?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

const server = new RealServer();
const clients: ChatClient[] = [];
const sockets: NodeWebSocket[] = [];

/** The one of Node 20's world, which lets a test cut it. */
class Socket extends NodeWebSocket {
  constructor(url: string) {
    super(url);
    this.on('error', () => undefined);
    sockets.push(this);
  }
}

function connect(options: ClientOptions = {}): ChatClient {
  const client = new ChatClient({
    url: server.url,
    ...options,
    environment: {
      WebSocket: Socket as unknown as typeof WebSocket,
      local: memory(),
      session: memory(),
      ...options.environment,
    },
  });
  client.connect();
  clients.push(client);
  return client;
}

const until = (what: () => boolean, ms = 20_000) =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout: ms, interval: 10 });
const ended = (client: ChatClient) =>
  client.events.filter((event) => event.type === 'turn' && !['started', 'restarted'].includes(event.status)).length;
const dense = (client: ChatClient) =>
  expect(client.events.map((event) => event.position)).toEqual(client.events.map((_, index) => index + 1));

describe.skipIf(!isThere)('the real server', { timeout: 90_000 }, () => {
  beforeAll(async () => {
    await server.start();
    return () => server.remove();
  }, STARTS_MS + 5_000);
  // Back at once: how long a client waits is tested elsewhere, by a clock of the test's own.
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0.02));
  afterEach(() => {
    vi.restoreAllMocks();
    for (const client of clients.splice(0)) client.disconnect();
    sockets.splice(0);
  });

  test('the types are made from the schema that this server has', () => {
    const schema = execFileSync(program, ['schema'], { encoding: 'utf8' });
    const kept = readFileSync(new URL('../../frames.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(kept)).toEqual(JSON.parse(schema));
  });

  test('a turn: stored, streamed, ended; a second tab sees the same', async () => {
    const local = memory();
    const client = connect({ environment: { local } });
    client.send('Hello 🌧️');
    await until(() => ended(client) === 1);
    dense(client);
    expect(client.events.some((event) => event.type === 'response')).toBe(true);
    expect(client.outbox).toEqual([]);
    expect(client.chat.answers).toEqual({});
    const tab = connect({ environment: { local } });
    await until(() => tab.chat.position === client.chat.position);
    expect(tab.events).toEqual(client.events);
    expect(tab.chat.intents).toEqual(client.chat.intents);
  });

  test('cut again and again, each message is stored once and in order', async () => {
    const client = connect();
    const said = Array.from({ length: 12 }, (_, n) => `message ${n}`);
    for (const content of said) {
      client.send(content);
      await new Promise((resolve) => setTimeout(resolve, 20));
      sockets.at(-1)?.terminate();
    }
    await until(() => client.outbox.length === 0 && ended(client) === said.length, 60_000);
    dense(client);
    const stored = client.events.filter((event) => event.type === 'user').map(({ content }) => content);
    expect(stored).toEqual(said);
  });

  test('the server killed while messages are under way: nothing is lost, nothing is doubled', async () => {
    const client = connect();
    client.send('before');
    await until(() => ended(client) === 1);
    client.send('into the crash');
    await server.kill();
    client.send('said while it was away');
    await until(() => client.state.status !== 'live');
    await server.start();
    await until(() => client.outbox.length === 0 && ended(client) === 3, 60_000);
    dense(client);
    const stored = client.events.filter((event) => event.type === 'user').map(({ content }) => content);
    expect(stored).toEqual(['before', 'into the crash', 'said while it was away']);
  });

  test('a server that goes away in good order says when to come back', async () => {
    const client = connect();
    await until(() => client.state.status === 'live');
    await server.kill('SIGTERM');
    await until(() => client.state.status !== 'live');
    await server.start();
    await until(() => client.state.status === 'live');
  });

  test('by server-sent events where no WebSocket gets through', async () => {
    const client = connect({ environment: { WebSocket: undefined } });
    client.send('Hello by other means');
    await until(() => ended(client) === 1, 40_000);
    dense(client);
    expect(sockets).toEqual([]);
    const summaries = await client.chats();
    expect(summaries.map((chat) => chat.user_chat_id)).toEqual([client.chat.user_chat_id]);
  });

  test('history is loaded upwards, page by page', async () => {
    const local = memory();
    const client = connect({ environment: { local } });
    for (let n = 1; n <= 4; n++) {
      client.send(`message ${n}`);
      await until(() => ended(client) === n);
    }
    const late = connect({ last: 3, environment: { local } });
    await until(() => late.state.status === 'live');
    expect(late.events).toHaveLength(3);
    while (await late.loadEarlier(7));
    expect(late.events).toEqual(client.events);
  });

  test('a closed and an erased chat say so', async () => {
    const client = connect();
    client.send('forget this');
    await until(() => ended(client) === 1);
    client.close();
    await until(() => client.chat.status === 'closed');
    client.send('too late');
    await until(() => client.outbox[0]?.error?.code === 'chat_closed');
    const response = await client.request('DELETE', `/chats/${client.chat.user_chat_id}`);
    expect(response.status).toBe(204);
    await until(() => client.chat.status === 'erased');
    expect(JSON.stringify(client.events)).not.toContain('forget this');
  });
});
