// A client in a world that the test owns: its server, its storage, its page, its dice.
import { ChatClient, type ClientOptions, type Environment } from '../src/index.ts';
import { vi } from 'vitest';
// Loaded on demand otherwise, in real time, which a test's clock does not wait for.
import '../src/events.ts';
import '../src/http.ts';
import { FakeServer } from './fake-server.ts';

export function memory(): Environment['local'] {
  const held = new Map<string, string>();
  return { getItem: (key) => held.get(key) ?? null, setItem: (key, value) => void held.set(key, value) };
}

export class Page extends EventTarget {
  online = true;
  visible = true;

  fire(type: string, fields: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

export class World {
  readonly server = new FakeServer();
  readonly page = new Page();
  local = memory();
  session = memory();
  random = 0.5;
  readonly dice = vi.spyOn(Math, 'random').mockImplementation(() => this.random);
  readonly states: string[] = [];

  client(options: ClientOptions = {}): ChatClient {
    const client = new ChatClient({
      url: 'http://server.test/api/v1',
      ...options,
      environment: {
        WebSocket: this.server.WebSocket,
        fetch: () => Promise.reject(new TypeError('no network')),
        local: this.local,
        session: this.session,
        page: this.page,
        online: () => this.page.online,
        visible: () => this.page.visible,
        ...options.environment,
      },
    });
    client.subscribe(() => {
      if (client.state.status !== this.states.at(-1)) this.states.push(client.state.status);
    });
    return client;
  }
}
