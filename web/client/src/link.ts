// One connection's life, over whatever carries it: frames out, frames in, the end.
import type { Environment } from './environment.ts';
import type { ClientFrame, ServerFrame } from './types.ts';

export interface Link {
  send(frame: ClientFrame): void;
  /** Ends it; nothing is heard of it afterwards. */
  close(): void;
}

export interface LinkEvents {
  /** Ready for `hello`. */
  ready(): void;
  frames(frames: ServerFrame[]): void;
  /** Once; a WebSocket close code, or nothing: WebSocket, which had failed, goes through after all. */
  closed(code?: number): void;
}

export type Dial = (environment: Environment, url: string, on: LinkEvents) => Link;

export const dialSocket: Dial = ({ WebSocket }, url, on) => {
  const socket = new WebSocket!(`${url.replace(/^http/, 'ws')}/chat/ws/chat`);
  socket.onopen = on.ready;
  socket.onmessage = ({ data }) => on.frames([JSON.parse(data as string)].flat());
  socket.onclose = ({ code }) => on.closed(code);
  return {
    send: (frame) => socket.send(JSON.stringify(frame)),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
};
