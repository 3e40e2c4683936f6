// Times, durations and names as a person reads them, all by Intl.
import type { Texts } from './strings.ts';

// To make one of these takes longer than to use it a hundred times.
const formats = new Map<string, Intl.DateTimeFormat>();

function dateText(timestamp: string, locale: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${locale} ${JSON.stringify(options)}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, format);
  return format.format(new Date(timestamp));
}

/** The time of day, such as "10:32". */
export function clockTime(timestamp: string, locale: string): string {
  return dateText(timestamp, locale, { hour: '2-digit', minute: '2-digit' });
}

/** Date and time in full, for a tooltip. */
export function fullTime(timestamp: string, locale: string): string {
  return dateText(timestamp, locale, { dateStyle: 'full', timeStyle: 'short' });
}

/** The local calendar day as `YYYY-MM-DD`: equal for two times of one day. */
export function dayKey(timestamp: string): string {
  const date = new Date(timestamp);
  const pad = (part: number) => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** "Today", "Yesterday", or the date; `now` in epoch milliseconds. */
export function dayName(timestamp: string, texts: Texts, now: number): string {
  const key = dayKey(timestamp);
  if (key === dayKey(new Date(now).toISOString())) return texts.get('today');
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (key === dayKey(yesterday.toISOString())) return texts.get('yesterday');
  const sameYear = new Date(timestamp).getFullYear() === new Date(now).getFullYear();
  const year = sameYear ? undefined : 'numeric';
  return dateText(timestamp, texts.locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year,
  });
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** "5 minutes ago"; `now` in epoch milliseconds. */
export function timeAgo(timestamp: string, locale: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(timestamp)) / 1000);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  for (const [unit, length] of UNITS) {
    if (seconds >= length) return format.format(-Math.floor(seconds / length), unit);
  }
  return format.format(0, 'second');
}

/** "320 ms", "1.3 s" or "2 min 5 s". */
export function duration(milliseconds: number, texts: Texts): string {
  const number = (value: number) =>
    new Intl.NumberFormat(texts.locale, { maximumFractionDigits: 1 }).format(value);
  if (milliseconds < 995) return texts.get('milliseconds', { count: number(Math.round(milliseconds)) });
  if (milliseconds < 59_950) return texts.get('seconds', { count: number(milliseconds / 1000) });
  const seconds = Math.round(milliseconds / 1000);
  return texts.get('minutes', { minutes: number(Math.floor(seconds / 60)), seconds: number(seconds % 60) });
}

/** A machine's name as words: `create_alarm` and `createAlarm` become "Create alarm". */
export function humanName(name: string): string {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[_\-.]+/g, ' ')
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** Objects and lists within each other: what lies deeper than the server takes is not written out. */
const DEEPEST_VALUE = 32;

/** A slot's or a form's value in one line; a moment as the clock of whoever reads shows it. */
export function valueText(value: unknown, texts: Texts, depth = 0): string {
  if (value === true) return texts.get('form_yes');
  if (value === false) return texts.get('form_no');
  if (value === null || value === undefined || value === '') return texts.get('form_not_given');
  if (depth > DEEPEST_VALUE) return '…';
  if (Array.isArray(value)) return value.map((item) => valueText(item, texts, depth + 1)).join(', ');
  if (typeof value === 'string' && MOMENT.test(value) && !Number.isNaN(Date.parse(value))) {
    return dateText(value, texts.locale, { dateStyle: 'medium', timeStyle: 'short' });
  }
  if (typeof value === 'object') {
    const parts = Object.entries(value).map(
      ([name, item]) => `${humanName(name)}: ${valueText(item, texts, depth + 1)}`,
    );
    return parts.join(', ');
  }
  return String(value);
}
