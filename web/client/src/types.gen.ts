// Made by `npm run types` from the server's schema; not to be changed by hand.

export interface Abandon {
  type: "abandon";
  id: string;
  user_chat_id: string;
  user_intent_id: string;
}

export interface Ack {
  type: "ack";
  id: string;
  user_chat_id: string;
  position: number;
  duplicate?: boolean;
}

export interface Auth {
  type: "auth";
  token: string;
}

export interface Cancel {
  type: "cancel";
  id: string;
  user_chat_id: string;
  turn?: string;
}

export interface CaughtUp {
  type: "caught_up";
  user_chat_id: string;
  position: number;
}

export interface ChatChanged {
  user_chat_id: string;
  position: number;
  type: "chat";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  status: "closed" | "erased" | "opened";
  erased?: true;
}

export type ClientFrame = Hello | Open | Send | Submit | Cancel | Retry | Resume | Abandon | CloseWindow | Leave | Auth | Ping;

export interface CloseWindow {
  type: "close";
  id: string;
  user_chat_id: string;
}

export interface ComponentShown {
  user_chat_id: string;
  position: number;
  type: "component";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  component_id: string;
  kind: string;
  title?: string;
  schema?: Record<string, unknown>;
  options?: (Option)[];
  expires_at?: string;
  data?: Record<string, unknown>;
  erased?: true;
}

export interface ComponentSubmitted {
  user_chat_id: string;
  position: number;
  type: "component_submitted";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  component_id: string;
  values: Record<string, unknown>;
  erased?: true;
}

export interface ContextBrought {
  user_chat_id: string;
  position: number;
  type: "context";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  source: string;
  erased?: true;
}

export type ControlFrame = Welcome | CaughtUp | Ack | Rejected | Delta | Resync | Heartbeat | Drain | Pong | Opened;

export interface Delta {
  type: "delta";
  user_chat_id: string;
  message_id: string;
  offset: number;
  text: string;
}

export interface Details {
  fields: Record<string, string>;
}

export interface Drain {
  type: "drain";
  retry_after_ms: number;
}

export interface ErrorRaised {
  user_chat_id: string;
  position: number;
  type: "error";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  code: string;
  message: string;
  retryable: boolean;
  erased?: true;
}

export type EventFrame = ChatChanged | UserMessageAdded | ComponentSubmitted | TurnChanged | SessionChanged | IntentChanged | ContextBrought | ThinkingAdded | PartialStored | ResponseGiven | ComponentShown | ToolCalled | ToolReturned | ErrorRaised;

export interface FrameLimits {
  max_frame_bytes: number;
  max_content_bytes: number;
}

export interface Heartbeat {
  type: "heartbeat";
}

export interface Hello {
  type: "hello";
  protocol: string;
  token?: string;
  batch?: boolean | null;
}

export interface IntentChanged {
  user_chat_id: string;
  position: number;
  type: "intent";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  status: "abandoned" | "active" | "complete";
  name?: string;
  confidence?: number;
  slots?: Record<string, unknown>;
  reason?: string;
  erased?: true;
}

export interface IntentView {
  user_intent_id: string;
  status: "abandoned" | "active" | "complete";
  title: string;
  created_at: string;
  last_activity_at: string;
  user_chat_id?: string;
  reason?: string;
  name?: string;
  slots?: Record<string, unknown>;
  question?: Question;
  session_id?: string;
}

export interface Leave {
  type: "leave";
  user_chat_id: string;
}

export interface Open {
  type: "open";
  id?: string;
  user_chat_id?: string;
  after?: number | null;
  after_event?: string;
  last?: number;
}

export interface Opened {
  type: "opened";
  id?: string;
  created: boolean;
  from: number;
  user_chat_id: string;
  status: "closed" | "erased" | "open";
  position: number;
  intent: IntentView | null;
  session: SessionView | null;
  turn: TurnView | null;
  resumable: (IntentView)[];
}

export interface Option {
  value: string;
  label: string;
}

export interface PartialStored {
  user_chat_id: string;
  position: number;
  type: "partial";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  offset: number;
  text: string;
  erased?: true;
}

export interface Ping {
  type: "ping";
  nonce?: string | number | boolean;
}

export interface Pong {
  type: "pong";
  nonce?: string | number | boolean;
}

export interface Question {
  text: string;
  component_id?: string;
}

export interface Rejected {
  type: "rejected";
  id: string | null;
  user_chat_id?: string;
  code: "chat_closed" | "component_closed" | "forbidden_host" | "forbidden_origin" | "id_conflict" | "intent_not_resumable" | "invalid_content" | "invalid_form" | "invalid_frame" | "no_such_component" | "not_found" | "not_retryable" | "overloaded" | "rate_limited" | "too_large" | "unauthenticated" | "unavailable" | "unknown_type";
  message: string;
  retry_after?: number;
  details?: Details;
}

export interface ResponseGiven {
  user_chat_id: string;
  position: number;
  type: "response";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  content: string;
  is_complete: boolean;
  follow_up: boolean;
  stopped?: boolean;
  erased?: true;
}

export interface Resume {
  type: "resume";
  id: string;
  user_chat_id: string;
  user_intent_id: string;
}

export interface Resync {
  type: "resync";
  user_chat_id: string;
  reason: string;
}

export interface Retry {
  type: "retry";
  id: string;
  user_chat_id: string;
  message_id: string;
}

export interface Send {
  type: "send";
  id: string;
  user_chat_id: string;
  content: string;
  user_intent_id?: string;
  new_intent?: boolean | null;
}

export interface SessionChanged {
  user_chat_id: string;
  position: number;
  type: "session";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  status: "abandoned" | "completed" | "expired" | "started";
  erased?: true;
}

export interface SessionView {
  session_id: string;
  status: "abandoned" | "completed" | "expired" | "started";
  expires_at: string;
}

export interface Submit {
  type: "submit";
  id: string;
  user_chat_id: string;
  component_id: string;
  values: Record<string, unknown>;
}

export interface ThinkingAdded {
  user_chat_id: string;
  position: number;
  type: "thinking";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  step: string;
  status: "completed" | "failed" | "started";
  content: string;
  attempt?: number;
  of?: number;
  duration_ms?: number;
  data?: Record<string, unknown>;
  erased?: true;
}

export interface ToolCalled {
  user_chat_id: string;
  position: number;
  type: "tool_call";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  call_id: string;
  name: string;
  idempotent: boolean;
  arguments?: Record<string, unknown>;
  erased?: true;
}

export interface ToolReturned {
  user_chat_id: string;
  position: number;
  type: "tool_result";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  call_id: string;
  ok: boolean;
  result?: unknown;
  erased?: true;
}

export interface TurnChanged {
  user_chat_id: string;
  position: number;
  type: "turn";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  status: "cancelled" | "failed" | "finished" | "needs_input" | "restarted" | "started";
  attempt: number;
  retry_of?: string;
  erased?: true;
}

export interface TurnView {
  message_id: string;
  attempt: number;
}

export interface UserMessageAdded {
  user_chat_id: string;
  position: number;
  type: "user";
  event_id: string;
  timestamp: string;
  user_id: string;
  user_intent_id?: string;
  session_id?: string;
  socket_connection_id?: string;
  message_id?: string;
  caused_by?: string;
  content: string;
  erased?: true;
}

export interface Welcome {
  type: "welcome";
  socket_connection_id: string;
  user_id: string;
  token?: string;
  token_expires_at?: string;
  heartbeat_seconds: number;
  limits: FrameLimits;
  server_time: string;
}
