// The connection's states: when to dial, when to give a link up, how long to wait. It knows nothing of chats.
import type { Environment } from './environment.ts';
import { dialSocket, type Link, type LinkEvents } from './link.ts';
import type { Tokens } from './tokens.ts';
import {
  AFTER_FLOOD_MS, DIAL_MS, FIRST_BACK_OFF_MS, LONGEST_BACK_OFF_MS, LONGEST_TIMER_MS, PROBE_MS, RENEW_BEFORE_MS, SETTLED_MS,
  UPGRADES_MS,
} from './times.ts';
import type { ClientFrame, ClosedReason, ConnectionState, ServerFrame, Welcome } from './types.ts';

const ABNORMAL = 1006;

export interface ConnectionOptions {
  environment: Environment;
  url: string;
  tokens: Tokens;
  idleCloseMs: number;
  /** What a tab writes into the common storage when it says something: one that rests would not hear it. */
  saidKey: string;
}

export interface ConnectionEvents {
  changed(): void;
  welcome(frame: Welcome): void;
  frames(frames: ServerFrame[]): void;
  /** The link is gone; what was sent on it is unanswered. `code` 1009: the frame sent last was too large. */
  lost(code?: number): void;
  /** May the connection be let go? */
  mayRest(): boolean;
}

export interface Connection {
  state(): ConnectionState;
  /** Wants the connection from now on; does not hurry one that waits. */
  connect(): void;
  /** Gives it up until `connect`. */
  disconnect(reason?: ClosedReason): void;
  /** The person, the browser or another tab has a reason to believe that now is a good time. */
  wake(): void;
  /** The link is no good: dial anew after `ms`, or with back-off. */
  drop(ms?: number): void;
  send(frame: ClientFrame): void;
  catchingUp(): void;
  caughtUp(): void;
  /** Something was said: the idle time begins anew. */
  active(): void;
}

type Timer = 'dial' | 'watch' | 'probe' | 'settled' | 'renew' | 'retry' | 'rest';

/** Full jitter: a thousand clients that lost one server come back spread over the whole time. */
export function backOff(losses: number): number {
  return Math.random() * Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** losses);
}

export function connection(options: ConnectionOptions, on: ConnectionEvents): Connection {
  const { environment, url, tokens, idleCloseMs, saidKey } = options;
  let state: ConnectionState = { status: 'idle' };
  let link: Link | undefined;
  // Which dial is the present one: a token that arrives late must not open a second link.
  let dialled = 0;
  let wanted = false;
  let welcomed = false;
  let refused = false;
  let withoutSocket = false;
  let failedUpgradeAt = -Infinity;
  let losses = 0;
  let drainMs = 0;
  let silenceMs = 0;
  const timers: { [name in Timer]?: ReturnType<typeof setTimeout> } = {};

  const become = (next: ConnectionState) => {
    state = next;
    on.changed();
  };

  const stop = (name: Timer) => clearTimeout(timers[name]);

  const start = (name: Timer, ms: number, then: () => void) => {
    stop(name);
    timers[name] = setTimeout(then, Math.min(ms, LONGEST_TIMER_MS));
  };

  const hangUp = () => {
    dialled++;
    Object.values(timers).forEach(clearTimeout);
    link?.close();
    link = undefined;
  };

  const send = (frame: ClientFrame) => link?.send(frame);

  const dial = async () => {
    hangUp();
    const mine = dialled;
    welcomed = false;
    become({ status: 'connecting' });
    try {
      const token = await tokens.current();
      if (mine !== dialled) return;
      start('dial', DIAL_MS, drop);
      const events = withoutSocket && (await import('./events.ts'));
      if (mine !== dialled) return;
      const heard: LinkEvents = {
        ready: () => send({ type: 'hello', protocol: 'chatstream.v1', token, batch: true }),
        frames: take,
        closed: lost,
      };
      link = events ? events.dialEvents(environment, url, heard, dialSocket) : dialSocket(environment, url, heard);
    } catch {
      // `getToken` failed, or the fall-back could not be loaded: as it is without a network.
      if (mine === dialled) drop();
    }
  };

  const take = (frames: ServerFrame[]) => {
    stop('probe');
    for (const frame of frames) {
      if (frame.type === 'welcome') welcome(frame);
      if (frame.type === 'drain') drainMs = frame.retry_after_ms;
    }
    if (welcomed) start('watch', silenceMs, () => drop(0));
    on.frames(frames);
  };

  // Answers `hello` and, later, each `auth`.
  const welcome = (frame: Welcome) => {
    const first = !welcomed;
    welcomed = true;
    stop('dial');
    tokens.keep(frame.token);
    renewBefore(frame);
    silenceMs = (2 * frame.heartbeat_seconds + 5) * 1000;
    if (first) on.welcome(frame);
  };

  const renewBefore = ({ token_expires_at, server_time }: Welcome) => {
    if (!token_expires_at || !tokens.fromHost) return;
    const leftMs = Date.parse(token_expires_at) - Date.parse(server_time);
    start('renew', Math.max(leftMs / 2, leftMs - RENEW_BEFORE_MS, 1000), async () => {
      const mine = dialled;
      tokens.forget();
      // Where it fails, the server ends the connection at the token's end, and that asks once more.
      const token = await tokens.current().catch(() => undefined);
      if (token && mine === dialled) send({ type: 'auth', token });
    });
  };

  const catchingUp = () => {
    stop('settled');
    become({ status: 'catching_up' });
  };

  const caughtUp = () => {
    if (state.status === 'live') return;
    become({ status: 'live' });
    start('settled', SETTLED_MS, () => {
      losses = 0;
      refused = false;
    });
  };

  const active = () => {
    if (idleCloseMs) start('rest', idleCloseMs, () => (on.mayRest() ? rest() : active()));
  };

  const rest = () => {
    hangUp();
    become({ status: 'idle' });
  };

  const lost = (code?: number, afterMs?: number) => {
    hangUp();
    on.lost(code);
    if (code === 4401) return unauthenticated();
    if ([4400, 1002, 1007].includes(code!)) return disconnect('protocol');
    if (code === 4410 && on.mayRest()) return rest();
    // Without a code, WebSocket goes through after all.
    if (!welcomed || !code) upgradeFailed();
    wait(afterMs ?? (code === 4429 ? AFTER_FLOOD_MS : drainMs + backOff(losses)));
  };

  const drop = (ms?: number) => lost(ABNORMAL, ms);

  const unauthenticated = () => {
    tokens.forget();
    if (refused) return disconnect('unauthenticated');
    refused = true;
    void dial();
  };

  // Two failures in a row look like something that lets no WebSocket through; but when the other way fails too, the
  // server is away, and the better way is tried again.
  const upgradeFailed = () => {
    const now = Date.now();
    const second = !withoutSocket && now - failedUpgradeAt <= UPGRADES_MS;
    failedUpgradeAt = second ? -Infinity : now;
    withoutSocket = second;
  };

  const wait = (ms: number) => {
    const attempt = ++losses;
    drainMs = 0;
    // Dials also when offline: the browser's word for it is not always true, and the server may be on this machine.
    start('retry', ms, dial);
    become({ status: environment.online() ? 'waiting' : 'offline', retry_at: Date.now() + ms, attempt });
  };

  const wake = () => {
    if (!wanted || state.status === 'connecting') return;
    if (!link) return void dial();
    send({ type: 'ping' });
    start('probe', PROBE_MS, () => drop(0));
  };

  // Going offline closes nothing by itself, but what is there is worth a probe.
  const heard = (event: Event) => {
    const { key } = event as StorageEvent;
    if (environment.visible() && (!key || (key === saidKey && !link))) wake();
  };

  const listen = (want: boolean) => {
    wanted = want;
    for (const type of ['online', 'offline', 'visibilitychange', 'pageshow', 'storage']) {
      environment.page?.[want ? 'addEventListener' : 'removeEventListener'](type, heard);
    }
  };

  const connect = () => {
    if (wanted && state.status !== 'idle') return;
    listen(true);
    refused = false;
    void dial();
  };

  const disconnect = (reason: ClosedReason = 'left') => {
    listen(false);
    hangUp();
    become({ status: 'closed', reason });
  };

  return { state: () => state, connect, disconnect, wake, drop, send, catchingUp, caughtUp, active };
}
