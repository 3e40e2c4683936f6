// The same frames without WebSocket: commands as POST, what follows as server-sent events. Read with `fetch`, since
// `EventSource` can send a token in the address only, where logs keep it. Loaded when it is needed, so it shares no
// code with what is there already: `socket` is handed in.
import type { Dial, Link, LinkEvents } from './link.ts';
import type { Environment } from './environment.ts';
import type { ClientFrame, Command, OpenFrame, Opened, ServerFrame } from './types.ts';

const ABNORMAL = 1006;
const UNAUTHENTICATED = 4401;

/** Live for so long, it is time to look whether the better way is open. */
const TRIAL_MS = 5_000;

export function dialEvents(environment: Environment, url: string, on: LinkEvents, socket: Dial): Link {
  const { fetch, WebSocket } = environment;
  const streams = new Map<string, AbortController>();
  let token: string | undefined;
  let ended = false;

  const end = (code?: number) => {
    if (ended) return;
    close();
    on.closed(code);
  };
  const close = () => {
    ended = true;
    clearTimeout(trial);
    for (const stream of streams.values()) stream.abort();
  };
  const guarded = (work: Promise<void>) => void work.catch(() => end(ABNORMAL));

  // A restart of the server looks like a network without WebSocket for a moment: come back when it was one.
  const trial = setTimeout(() => {
    if (!WebSocket) return;
    const upgrade = socket(environment, url, {
      ready() {
        upgrade.close();
        end();
      },
      frames: Boolean,
      closed: Boolean,
    });
  }, TRIAL_MS);

  const request = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(url + path, { ...init, headers });
    if (response.status === 401) end(UNAUTHENTICATED);
    return response;
  };
  const post = (path: string, body: unknown) =>
    request(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const tell = (...frames: ServerFrame[]) => ended || on.frames(frames);

  const hello = async () => {
    const response = await (token ? request('/chats?limit=1', {}) : post('/visitors', {}));
    if (!response.ok) return end(response.status === 401 ? UNAUTHENTICATED : ABNORMAL);
    const visitor = token ? {} : await response.json();
    token ??= visitor.token;
    tell({
      type: 'welcome',
      socket_connection_id: '',
      user_id: '',
      heartbeat_seconds: 20,
      limits: { max_frame_bytes: Infinity, max_content_bytes: Infinity },
      server_time: new Date().toISOString(),
      ...visitor,
    });
  };

  const open = async (frame: OpenFrame): Promise<void> => {
    const chat = frame.user_chat_id;
    const stream = new AbortController();
    streams.get(chat)?.abort();
    streams.set(chat, stream);
    const response = await post('/chats', { user_chat_id: chat });
    const body = await response.json();
    if (!response.ok) return void tell(refusal(frame, response, body));
    const newest: number = body.position;
    const from = frame.after ?? Math.max(0, newest - (frame.last ?? newest));
    if (from > newest) return anew(frame, 'unknown_position');
    tell({ ...body, type: 'opened', id: frame.id, created: response.status === 201, from } as Opened);
    await follow(frame, from, stream).catch((reason) => {
      if (!stream.signal.aborted) throw reason;
    });
  };

  const anew = (frame: OpenFrame, reason: string): Promise<void> => {
    tell({ type: 'resync', user_chat_id: frame.user_chat_id, reason });
    const { after: _, after_event: __, ...first } = frame;
    return open(first);
  };

  // Where the reader names the event at its cursor, that event is read once more to compare.
  const follow = async (frame: OpenFrame, from: number, stream: AbortController): Promise<void> => {
    const compared = frame.after_event && from > 0;
    const path = `/chats/${frame.user_chat_id}/events?after=${compared ? from - 1 : from}`;
    const response = await request(path, { headers: { Accept: 'text/event-stream' }, signal: stream.signal });
    if (!response.ok || !response.body) return end(ABNORMAL);
    for await (const frames of messages(response.body)) {
      if (stream.signal.aborted) return;
      const other = frames.find((event) => 'event_id' in event && event.position === from);
      const mismatch = compared && other && 'event_id' in other && other.event_id !== frame.after_event;
      const broken = frames.find((control) => control.type === 'resync');
      if (mismatch || broken) {
        stream.abort();
        return anew(frame, 'event_mismatch');
      }
      tell(...frames);
    }
    if (!stream.signal.aborted) end(ABNORMAL);
  };

  const command = async (frame: Command): Promise<void> => {
    const { type, user_chat_id, ...body } = frame;
    const response = await post(pathOf(frame), body);
    const answer = await response.json();
    tell(response.ok ? { ...answer, type: 'ack' } : refusal(frame, response, answer));
  };

  const send = (frame: ClientFrame) => {
    switch (frame.type) {
      case 'hello':
        token = frame.token;
        return guarded(hello());
      case 'auth':
        token = frame.token;
        return;
      case 'open':
        return guarded(open(frame));
      case 'leave':
        return streams.get(frame.user_chat_id)?.abort();
      case 'ping':
        return;
      default:
        return guarded(command(frame));
    }
  };
  queueMicrotask(() => ended || on.ready());
  return { send, close };
}

function pathOf(frame: Command): string {
  const chat = `/chats/${frame.user_chat_id}`;
  switch (frame.type) {
    case 'send':
      return `${chat}/messages`;
    case 'submit':
      return `${chat}/components/${frame.component_id}`;
    case 'resume':
    case 'abandon':
      return `/intents/${frame.user_intent_id}/${frame.type}`;
    default:
      return `${chat}/${frame.type}`;
  }
}

interface Problem {
  code: string;
  detail: string;
  details?: { fields: Record<string, string> };
}

function refusal(frame: Command | OpenFrame, response: Response, { code, detail, details }: Problem): ServerFrame {
  if (!code) throw new TypeError('not an answer of this server: something stands between');
  const seconds = Number(response.headers.get('Retry-After'));
  return {
    type: 'rejected',
    id: frame.id ?? null,
    user_chat_id: frame.user_chat_id,
    code,
    message: detail,
    ...(seconds && { retry_after: seconds }),
    ...(details && { details }),
  };
}

/** The frames of each piece that arrives; a comment is an empty list, so that it counts as a sign of life. */
export async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerFrame[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // Put together when a block has ended: one of megabytes comes in thousands of pieces.
  let held: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const piece = decoder.decode(value, { stream: true });
    const isEnd = ((held.at(-1)?.at(-1) ?? '') + piece).includes('\n\n');
    if (piece) held.push(piece);
    const blocks = isEnd ? held.join('').split('\n\n') : [''];
    if (isEnd) held = [blocks.at(-1)!];
    const lines = blocks.slice(0, -1).flatMap((block) => block.split('\n')).filter((line) => line.startsWith('data:'));
    yield lines.map((line) => JSON.parse(line.slice(5)));
  }
}
