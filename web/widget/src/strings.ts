// Every word the widget shows, in one flat table that a host page may replace key by key.
// Counted texts have a key for each plural category of the language (`steps_one`, `steps_other`,
// and `steps_few` … where Intl.PluralRules asks for one); `{name}` is a place to fill.

export const ENGLISH = {
  assistant: 'Assistant',
  you: 'You',
  chat_label: 'Chat',
  log_label: 'Conversation',
  open_chat: 'Open chat',
  close_chat: 'Close chat',
  unread_one: '{count} unread message',
  unread_other: '{count} unread messages',

  empty_title: 'How can I help?',
  empty_text: 'Ask a question or say what you would like to get done.',
  loading: 'Loading the conversation …',
  load_earlier: 'Show earlier messages',
  loading_earlier: 'Loading earlier messages …',
  jump_to_latest: 'Jump to latest',
  new_messages_one: '{count} new message',
  new_messages_other: '{count} new messages',

  composer_label: 'Message',
  composer_placeholder: 'Write a message …',
  composer_closed: 'This chat has been closed.',
  composer_too_long: 'This message is too long to be sent.',
  send: 'Send',
  stop: 'Stop',
  stopped: 'Stopped',
  broken_off: 'Broken off',
  retry: 'Try again',
  copy: 'Copy',
  copied: 'Copied',
  copy_details: 'Copy details',

  sending: 'Sending …',
  waiting: 'Will be sent when you are back online',
  queued: 'Waits for its turn',
  not_sent: 'Not sent',
  expired: 'Not sent. Send again?',
  send_again: 'Send again',
  discard: 'Discard',

  thinking: 'Thinking',
  steps_one: '{count} step',
  steps_other: '{count} steps',
  steps_summary: '{steps}, {duration}',
  milliseconds: '{count} ms',
  seconds: '{count} s',
  minutes: '{minutes} min {seconds} s',
  step_attempt: 'attempt {attempt} of {of}',
  step_attempt_only: 'attempt {attempt}',
  step_failed: 'failed',
  unasked: 'Reminder',
  restarted: 'The server restarted; the answer was begun anew.',

  offline: 'You are offline. What you write is kept and sent later.',
  cached: 'You see what was saved on this device.',
  reconnecting: 'Connection lost. Reconnecting …',
  reconnecting_in: 'Connection lost. Next try in {seconds} s.',
  retry_now: 'Retry now',
  signed_out: 'You have been signed out. Sign in again to go on.',
  sign_in: 'Sign in again',
  update_needed: 'This page is out of date. Reload it to go on.',
  reload: 'Reload',
  chat_not_found: 'This chat was not found.',

  task: 'Current task',
  task_waiting: '{task}, waiting for: {missing}',
  task_done: 'Task complete: {task}',
  task_new: 'New task',
  task_set_aside: 'Set aside: {task}',
  task_set_aside_idle: 'Set aside after a pause: {task}',
  task_resumed: 'Back to: {task}',
  task_asked: 'You were asked: {question}',
  chat_closed: 'Chat closed',
  chat_erased: 'This conversation was erased',
  erased: 'Erased',

  resume_heading: 'Pick up where you left off?',
  resume_filled: 'Already filled in',
  resume_when: 'Last active {when}',
  resume_continue: 'Continue',
  resume_start_over: 'Start over',
  resume_dismiss: 'Dismiss',
  resume_more_one: '{count} more unfinished',
  resume_more_other: '{count} more unfinished',

  form_submit: 'Submit',
  form_sending: 'Sending …',
  form_submitted: 'Submitted',
  form_invalid_one: 'Please check {count} field',
  form_invalid_other: 'Please check {count} fields',
  form_required: 'Please fill this in',
  form_bad_value: 'Please check this value',
  form_bad_format: 'Please enter a valid {format}',
  form_minimum: 'Must be at least {limit}',
  form_maximum: 'Must be at most {limit}',
  form_min_length: 'Must have at least {limit} characters',
  form_max_length: 'Must have at most {limit} characters',
  form_choose: 'Please choose',
  form_optional: 'optional',
  form_yes: 'Yes',
  form_no: 'No',
  form_not_given: 'Not given',
  closed_expired: 'This has expired.',
  closed_superseded: 'A newer question has replaced this one.',
  closed_complete: 'The task is complete.',
  closed_chat: 'The chat has been closed.',
  closed_other: 'This can no longer be answered.',
  unknown_component: 'This part of the answer ({kind}) cannot be shown here.',

  error: 'Something went wrong',
  offline_reply: 'Automatic reply while offline',

  chats: 'Your chats',
  new_chat: 'New chat',
  close_list: 'Close list',
  back: 'Back',
  untitled_chat: 'New chat',
  unfinished: 'Unfinished',
  no_chats: 'No chats yet.',
  chats_failed: 'The list could not be loaded.',

  answering: 'Assistant is answering',
  answer_failed: 'The answer failed',
  today: 'Today',
  yesterday: 'Yesterday',
} as const;

export type StringKey = keyof typeof ENGLISH;
/** Replacements for single texts; further plural forms (`steps_few`) are welcome. */
export type StringOverrides = Readonly<Record<string, string>>;
type Plural<K> = K extends `${infer Stem}_other` ? Stem : never;
export type PluralKey = Plural<StringKey>;
type Fill = Readonly<Record<string, string | number>>;

/** Looks texts up for one locale; unknown plural forms fall back to `_other`. */
export class Texts {
  readonly locale: string;
  readonly #table: Readonly<Record<string, string>>;
  readonly #plurals: Intl.PluralRules;

  constructor(locale: string, overrides: StringOverrides = {}) {
    this.locale = supportedLocale(locale);
    this.#table = { ...ENGLISH, ...overrides };
    this.#plurals = new Intl.PluralRules(this.locale);
  }

  /** The text of `key` with its places filled. */
  get(key: StringKey, fill: Fill = {}): string {
    return fillPlaces(this.#table[key] ?? ENGLISH[key], fill);
  }

  /** The text of `key` in the plural form that `count` needs; `{count}` is filled. */
  count(key: PluralKey, count: number): string {
    const form = this.#table[`${key}_${this.#plurals.select(count)}`] ?? this.#table[`${key}_other`] ?? '';
    return fillPlaces(form, { count: new Intl.NumberFormat(this.locale).format(count) });
  }
}

function fillPlaces(text: string, fill: Fill): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => (Object.hasOwn(fill, name) ? String(fill[name]) : place));
}

// A page may carry any `lang`; Intl throws on a malformed one.
function supportedLocale(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
