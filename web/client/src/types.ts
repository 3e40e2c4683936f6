// The words of the wire protocol v1 and the shapes the client shows: what it reads, sends and folds.

// ---------------------------------------------------------------- frames of the client

export type Command =
  | SendCommand
  | { type: 'submit'; id: string; user_chat_id: string; component_id: string; values: Values }
  | { type: 'cancel'; id: string; user_chat_id: string; turn?: string | undefined }
  | { type: 'retry'; id: string; user_chat_id: string; message_id: string }
  | { type: 'resume'; id: string; user_chat_id: string; user_intent_id: string }
  | { type: 'abandon'; id: string; user_chat_id: string; user_intent_id: string }
  | { type: 'close'; id: string; user_chat_id: string };

export interface SendCommand {
  type: 'send';
  id: string;
  user_chat_id: string;
  content: string;
  user_intent_id?: string;
  new_intent?: boolean;
}

export interface OpenFrame {
  type: 'open';
  id?: string;
  user_chat_id: string;
  after?: number;
  after_event?: string;
  last?: number;
}

export type ClientFrame =
  | Command
  | OpenFrame
  | { type: 'hello'; protocol: 'chatstream.v1'; token?: string | undefined; batch?: boolean }
  | { type: 'leave'; user_chat_id: string }
  | { type: 'auth'; token: string }
  | { type: 'ping'; nonce?: string };

export type Values = Record<string, unknown>;

// ---------------------------------------------------------------- shapes inside server frames

export interface Question {
  text: string;
  component_id?: string;
}

export interface Intent {
  user_intent_id: string;
  status: 'active' | 'complete' | 'abandoned';
  reason?: string;
  name?: string;
  title: string;
  slots?: Values;
  question?: Question;
  session_id?: string;
  created_at: string;
  last_activity_at: string;
}

export interface Session {
  session_id: string;
  status: 'started' | 'completed' | 'expired' | 'abandoned';
  expires_at?: string;
}

/** The running turn; `message_id` is the `caused_by` of its events. */
export interface RunningTurn {
  message_id: string;
  attempt: number;
}

export type ChatStatus = 'open' | 'closed' | 'erased';

// ---------------------------------------------------------------- control frames

export interface Welcome {
  type: 'welcome';
  socket_connection_id: string;
  user_id: string;
  token?: string;
  token_expires_at?: string;
  heartbeat_seconds: number;
  limits: { max_frame_bytes: number; max_content_bytes: number };
  server_time: string;
}

export interface Opened {
  type: 'opened';
  id?: string;
  user_chat_id: string;
  created: boolean;
  status: ChatStatus;
  position: number;
  from: number;
  intent: Intent | null;
  session: Session | null;
  turn: RunningTurn | null;
  resumable: Intent[];
}

export interface Ack {
  type: 'ack';
  id: string;
  user_chat_id: string;
  position: number;
  duplicate?: boolean;
}

export interface Rejected {
  type: 'rejected';
  id: string | null;
  user_chat_id?: string;
  code: string;
  message: string;
  retry_after?: number;
  /** With `invalid_form`: field to reason. */
  details?: { fields: Record<string, string> };
}

export interface Delta {
  type: 'delta';
  user_chat_id: string;
  message_id: string;
  /** In Unicode code points from the answer's start, not in UTF-16 units. */
  offset: number;
  text: string;
}

export interface CaughtUp {
  type: 'caught_up';
  user_chat_id: string;
  position: number;
}

export interface Resync {
  type: 'resync';
  user_chat_id: string;
  reason: string;
}

export type ControlFrame =
  | Welcome
  | Opened
  | CaughtUp
  | Ack
  | Rejected
  | Delta
  | Resync
  | { type: 'heartbeat' }
  | { type: 'drain'; retry_after_ms: number }
  | { type: 'pong'; nonce?: string | number | boolean };

// ---------------------------------------------------------------- event frames

interface EventBase {
  user_chat_id: string;
  position: number;
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  /** Everything that a person or an agent wrote is gone: the chat was erased. */
  erased?: boolean;
}

export type TurnStatus =
  'started' | 'restarted' | 'finished' | 'needs_input' | 'cancelled' | 'failed';

export interface Option {
  value: string;
  label: string;
}

/** A JSON Schema of the flat subset that forms use. */
export type Schema = Record<string, unknown>;

export type ChatEvent = EventBase & { type: 'chat'; status: 'opened' | 'closed' | 'erased' };
export type UserEvent = EventBase & { type: 'user'; message_id: string; content?: string };
export type ComponentSubmittedEvent = EventBase & {
  type: 'component_submitted';
  message_id: string;
  component_id: string;
  values?: Values;
};
export type TurnEvent = EventBase & {
  type: 'turn';
  status: TurnStatus;
  attempt: number;
  retry_of?: string;
};
export type SessionEvent = EventBase & { type: 'session'; status: Session['status'] };
export type IntentEvent = EventBase & {
  type: 'intent';
  status: Intent['status'];
  name?: string;
  confidence?: number;
  slots?: Values;
  reason?: string;
};
export type ContextEvent = EventBase & { type: 'context'; source: string };
export type ThinkingEvent = EventBase & {
  type: 'thinking';
  step: string;
  status: 'started' | 'completed' | 'failed';
  content?: string;
  attempt?: number;
  of?: number;
  duration_ms?: number;
  data?: unknown;
};
export type PartialEvent = EventBase & {
  type: 'partial';
  message_id: string;
  offset: number;
  text?: string;
};
export type ResponseEvent = EventBase & {
  type: 'response';
  message_id: string;
  content?: string;
  is_complete: boolean;
  follow_up: boolean;
  stopped?: boolean;
};
export type ComponentEvent = EventBase & {
  type: 'component';
  component_id: string;
  kind: string;
  title?: string;
  schema?: Schema;
  options?: Option[];
  expires_at?: string;
  data?: unknown;
};
export type ToolCallEvent = EventBase & {
  type: 'tool_call';
  call_id: string;
  name: string;
  idempotent: boolean;
  arguments?: Values;
};
export type ToolResultEvent = EventBase & {
  type: 'tool_result';
  call_id: string;
  ok: boolean;
  result?: unknown;
};
export type ErrorEvent = EventBase & {
  type: 'error';
  code: string;
  message?: string;
  retryable: boolean;
};

/** A stored event. One of a type that this client does not know has the common fields all the same. */
export type EventFrame =
  | ChatEvent
  | UserEvent
  | ComponentSubmittedEvent
  | TurnEvent
  | SessionEvent
  | IntentEvent
  | ContextEvent
  | ThinkingEvent
  | PartialEvent
  | ResponseEvent
  | ComponentEvent
  | ToolCallEvent
  | ToolResultEvent
  | ErrorEvent;

export type ServerFrame = EventFrame | ControlFrame;

// ---------------------------------------------------------------- what the client shows

/** Text of an answer in progress. */
export interface Answer {
  text: string;
  /** Length in code points, the unit of `offset`. */
  length: number;
  /** Its `response` is stored, or its attempt is void: nothing is to be shown or added. */
  done: boolean;
}

export interface Turn {
  /** The id of the `send`, `submit` or `retry` that began it. */
  caused_by: string;
  status: 'running' | 'finished' | 'needs_input' | 'cancelled' | 'failed';
  attempt: number;
  /** The user message that is run again. */
  retry_of?: string;
  user_intent_id?: string;
}

export interface Component {
  component_id: string;
  user_intent_id?: string;
  /** `closed`: by a newer one, by its intent's or the chat's end. A passed `expires_at` is the reader's to see. */
  status: 'open' | 'submitted' | 'closed';
  reason?: 'superseded' | 'complete' | 'chat_closed';
  values?: Values;
}

/** One chat, folded from its frames. Never changed in place: a new one at each change. */
export interface ChatState {
  user_chat_id: string;
  status: ChatStatus;
  /** Position of the last applied event: the cursor. */
  position: number;
  /** `event_id` at the cursor, null at 0 or where it is not held. */
  event_id: string | null;
  /** Position before the first event held; 0: the whole chat is here. */
  from: number;
  /** False until the first `caught_up`. */
  caught_up: boolean;
  /** Every event held, in order, positions `from + 1` to `position`. */
  events: EventFrame[];
  /** By `message_id`; those of the running turn only. */
  answers: Record<string, Answer>;
  /** By `user_intent_id`: those met in `events`, in `opened.intent` and in `opened.resumable`. */
  intents: Record<string, Intent>;
  /** The active intent's id, else the most recently created one's, or null. */
  intent: string | null;
  /** By `caused_by`. A user message without one here waits for its turn. */
  turns: Record<string, Turn>;
  turn: RunningTurn | null;
  /** By `component_id`. */
  components: Record<string, Component>;
}

export type ConnectionState =
  | { status: 'idle' }
  | { status: 'connecting' }
  | { status: 'catching_up' }
  | { status: 'live' }
  /** `retry_at` in milliseconds since the epoch, by this machine's clock; `offline`: the browser says so. */
  | { status: 'waiting' | 'offline'; retry_at: number; attempt: number }
  /** `left`: by `disconnect()`. The others are final refusals; `not_found`: the chat asked for is not this user's. */
  | { status: 'closed'; reason: ClosedReason };

export type ClosedReason = 'left' | 'unauthenticated' | 'protocol' | 'not_found';

/** A command on its way. */
export interface Outgoing {
  command: Command;
  /** `sent`: acknowledged, its event is not here yet. `failed`: shown until `resend` or `discard`. */
  status: 'waiting' | 'sending' | 'sent' | 'failed';
  /** Milliseconds since the epoch. */
  made_at: number;
  /** With `sent`: where its event stands. */
  position?: number;
  /** With `failed`; `code` is the server's with its message, or the client's own, without one: `expired` (older than ten
   * minutes) or `too_large`. */
  error?: { code: string; message: string; details?: Rejected['details'] | undefined };
}

/** An item of `GET /chats`. */
export interface ChatSummary {
  user_chat_id: string;
  status: ChatStatus;
  title: string | null;
  position: number;
  intent: Intent | null;
  last_activity_at: string;
}

/** What a view draws from; a new object at each change, so that it can be compared by identity. */
export interface Snapshot {
  connection: ConnectionState;
  chat: ChatState;
  /** Of this chat only, oldest first. */
  outbox: readonly Outgoing[];
}
