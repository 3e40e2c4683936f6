// A server that follows the protocol, in memory, behind WebSockets that a test can cut, delay and garble.
import type { ClientFrame, Command, EventFrame, ServerFrame } from '../src/types.ts';
import { Story } from './story.ts';

type Wire = ServerFrame | ServerFrame[];

export class FakeServer {
  readonly chats = new Map<string, Story>();
  readonly sockets: FakeSocket[] = [];
  /** Every frame that arrived, over all sockets. */
  readonly received: ClientFrame[] = [];
  /** What happens to a new upgrade; `hang` is neither. */
  upgrade: 'accept' | 'refuse' | 'hang' = 'accept';
  /** Answers a frame instead of the server when it returns true. */
  instead: (frame: ClientFrame, socket: FakeSocket) => boolean | void = () => false;
  /** What the network makes of a message: each of the result is delivered. */
  network: (message: Wire) => Wire[] = (message) => [message];
  heartbeatSeconds = 20;
  latencyMs = 1;
  welcome: Record<string, unknown> = {};
  private readonly acks = new Map<string, number>();

  get WebSocket(): typeof WebSocket {
    const server = this;
    return class extends FakeSocket {
      constructor(url: string) {
        super(server, url);
      }
    } as unknown as typeof WebSocket;
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  chat(id: string): Story {
    let story = this.chats.get(id);
    if (!story) this.chats.set(id, (story = new Story(id)));
    return story;
  }

  /** Stores events by itself, as a turn does, and tells every follower. */
  stores(chatId: string, ...events: [type: string, fields?: Record<string, unknown>][]): void {
    const story = this.chat(chatId);
    for (const [type, fields] of events) this.publish(story.event(type, fields));
  }

  publish(...frames: (EventFrame | ServerFrame)[]): void {
    for (const socket of this.sockets) {
      for (const frame of frames) {
        if (socket.follows.has((frame as EventFrame).user_chat_id)) socket.tell(frame);
      }
    }
  }

  receive(socket: FakeSocket, frame: ClientFrame): void {
    this.received.push(frame);
    if (this.instead(frame, socket)) return;
    switch (frame.type) {
      case 'hello':
      case 'auth':
        return socket.tell({
          type: 'welcome',
          socket_connection_id: 'socket_1',
          user_id: 'user_1',
          heartbeat_seconds: this.heartbeatSeconds,
          limits: { max_frame_bytes: 262144, max_content_bytes: 32768 },
          server_time: new Date().toISOString(),
          ...this.welcome,
        });
      case 'ping':
        return socket.tell({ type: 'pong' });
      case 'leave':
        return void socket.follows.delete(frame.user_chat_id);
      case 'open':
        return this.open(socket, frame);
      default:
        return this.command(socket, frame);
    }
  }

  private open(socket: FakeSocket, frame: Extract<ClientFrame, { type: 'open' }>): void {
    const story = this.chat(frame.user_chat_id);
    const created = story.position === 0;
    if (created) story.event('chat', { status: 'opened' });
    let from = frame.after ?? Math.max(0, story.position - (frame.last ?? story.position));
    if (from > story.position || (frame.after_event && story.events[from - 1]?.event_id !== frame.after_event)) {
      socket.tell({ type: 'resync', user_chat_id: story.chatId, reason: 'event_mismatch' });
      from = 0;
    }
    const id = frame.id === undefined ? {} : { id: frame.id };
    socket.follows.add(story.chatId);
    socket.tell({ ...story.opened(from, { created }), ...id });
    for (const event of story.events.slice(from)) socket.tell(event);
    socket.tell(story.caughtUp());
  }

  private command(socket: FakeSocket, frame: Command): void {
    const story = this.chats.get(frame.user_chat_id);
    const { id, user_chat_id } = frame;
    if (!story) {
      return socket.tell({ type: 'rejected', id, user_chat_id, code: 'not_found', message: 'no such chat' });
    }
    const before = this.acks.get(`${user_chat_id} ${id}`);
    if (before) return socket.tell({ type: 'ack', id, user_chat_id, position: before, duplicate: true });
    const position = story.position + (frame.type === 'send' || frame.type === 'submit' ? 1 : 0);
    this.acks.set(`${user_chat_id} ${id}`, position);
    if (frame.type === 'send') this.publish(story.event('user', { message_id: id, content: frame.content }));
    if (frame.type === 'submit') {
      const { component_id, values } = frame;
      this.publish(story.event('component_submitted', { message_id: id, component_id, values }));
    }
    socket.tell({ type: 'ack', id, user_chat_id, position });
  }
}

export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly follows = new Set<string>();
  readonly url: string;
  private readonly server: FakeServer;
  private state: 'connecting' | 'open' | 'closed' = 'connecting';

  constructor(server: FakeServer, url: string) {
    this.server = server;
    this.url = url;
    server.sockets.push(this);
    if (server.upgrade !== 'hang') setTimeout(() => this.upgraded(), server.latencyMs);
  }

  private upgraded(): void {
    if (this.state !== 'connecting') return;
    if (this.server.upgrade === 'refuse') return this.cut(1006);
    this.state = 'open';
    this.onopen?.();
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  send(text: string): void {
    if (this.state !== 'open') return;
    setTimeout(() => this.state === 'open' && this.server.receive(this, JSON.parse(text)), this.server.latencyMs);
  }

  /** From the server: a message, unless the network sees to it otherwise. */
  tell(message: Wire): void {
    if (this.state !== 'open') return;
    for (const piece of this.server.network(message)) {
      const data = JSON.stringify(piece);
      setTimeout(() => this.state === 'open' && this.onmessage?.({ data }), this.server.latencyMs);
    }
  }

  /** From the server, or from nowhere: the socket is gone with `code`. */
  cut(code: number): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.follows.clear();
    this.onclose?.({ code });
  }

  close(): void {
    this.state = 'closed';
    this.follows.clear();
  }
}
