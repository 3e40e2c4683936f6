// The task in hand and those set aside, in the words a person would use.
import type { ChatState, ComponentEvent, EventFrame, Intent, Values } from '../../client/src/types.ts';
import { fieldsOf, leavesOf } from './forms/schema.ts';
import { humanName } from './format.ts';
import { markdownText } from './markdown/render.ts';
import type { Texts } from './strings.ts';
import type { Entry } from './timeline.ts';

/** What a task is called: the name the agent gave it, else the user's first words. */
export function taskName(intent: Intent | undefined, texts: Texts): string {
  if (!intent) return texts.get('task');
  return intent.name ? humanName(intent.name) : intent.title || texts.get('task');
}

/** The active task, or null. */
export function currentTask(chat: ChatState): Intent | null {
  const intent = chat.intent === null ? undefined : chat.intents[chat.intent];
  return intent?.status === 'active' ? intent : null;
}

/** What the active task waits for, in a few words; empty while nothing is asked. */
export function waitingFor(chat: ChatState, intent: Intent, entries: readonly Entry[]): string {
  if (chat.turn) return '';
  const asked = missingFields(chat, intent) || missingInSteps(chat, intent, entries);
  return asked || questionIn(intent.question?.text ?? '');
}

const LONGEST_QUESTION = 2_000;

/** The question of an answer without its markup: its last sentence that asks, else all of it. */
export function questionIn(markdown: string): string {
  const words = markdownText(markdown.slice(-LONGEST_QUESTION));
  let end = lastOf(words, ASKS, words.length);
  while (end > 0 && ENDS.includes(words[end - 1]!)) end = lastOf(words, ASKS, end);
  const sentence = words.slice(lastOf(words, ENDS, end) + 1, end + 1).trim();
  return sentence.length > 1 ? sentence : words;
}

const ASKS = '?؟？';
const ENDS = '.!…。\n' + ASKS;

/** The place of the last of `characters` before `before`; -1 without one. */
function lastOf(text: string, characters: string, before: number): number {
  let at = before - 1;
  while (at >= 0 && !characters.includes(text[at]!)) at -= 1;
  return at;
}

function missingFields(chat: ChatState, intent: Intent): string {
  const form = chat.events.findLast((event) => isOpenForm(chat, intent, event));
  if (form?.type !== 'component') return '';
  const fields = leavesOf(fieldsOf(form.schema)).filter((field) => field.required);
  const missing = fields.filter((field) => !Object.hasOwn(intent.slots ?? {}, field.path.join('.')));
  return missing.map((field) => field.label.toLocaleLowerCase()).join(', ');
}

function isOpenForm(chat: ChatState, intent: Intent, event: EventFrame): event is ComponentEvent {
  if (event.type !== 'component' || event.kind !== 'form') return false;
  return (
    event.user_intent_id === intent.user_intent_id && chat.components[event.component_id]?.status === 'open'
  );
}

// By the task's own last turn: a reminder may have spoken since.
function missingInSteps({ turns }: ChatState, intent: Intent, entries: readonly Entry[]): string {
  const turn = entries.findLast(({ key }) => turns[key]?.user_intent_id === intent.user_intent_id);
  if (turn?.kind !== 'turn' || turn.status !== 'needs_input') return '';
  const missing = turn.steps.findLast((step) => step.missing.length > 0)?.missing ?? [];
  return missing.map((name) => humanName(name).toLocaleLowerCase()).join(', ');
}

/** Tasks that may be taken up again, newest activity first, without those in `dismissed`. */
export function resumableTasks(chat: ChatState, dismissed: ReadonlySet<string>): Intent[] {
  if (chat.status !== 'open') return [];
  return Object.values(chat.intents)
    .filter((intent) => intent.status === 'abandoned' && !dismissed.has(intent.user_intent_id))
    .sort((a, b) => Date.parse(b.last_activity_at) - Date.parse(a.last_activity_at));
}

/** What is filled in already, as name and value. */
export function filledIn(slots: Values | undefined): [string, unknown][] {
  return Object.entries(slots ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [humanName(name), value]);
}

/** The words a task began with, in full where they are held; else its title. */
export function firstWords(chat: ChatState, intent: Intent): string {
  const said = chat.events.find(
    (event) => event.type === 'user' && startedWith(chat, event) === intent.user_intent_id,
  );
  return (said?.type === 'user' && said.content) || intent.title;
}

function startedWith(chat: ChatState, event: EventFrame): string | undefined {
  return event.user_intent_id ?? chat.turns[event.message_id ?? '']?.user_intent_id;
}
