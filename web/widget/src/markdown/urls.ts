// Which links an answer may carry: https, mailto and relative ones. Everything else is shown as text.

// Browsers drop tabs, line ends and leading control characters before they read the scheme,
// so "java\nscript:" must be judged without them.
// eslint-disable-next-line no-control-regex
const IGNORED_BY_BROWSERS = /[\u0000-\u0020\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]/g;

/** The URL, cleaned, if a person may follow it; else null. */
export function safeUrl(url: string): string | null {
  const cleaned = url.replace(IGNORED_BY_BROWSERS, '');
  if (cleaned === '' || cleaned.startsWith('//') || cleaned.startsWith('\\')) return null;
  if (/^[/\\]{2}/.test(cleaned)) return null;
  if (/^(https:\/\/|mailto:)/i.test(cleaned)) return cleaned;
  return isRelative(cleaned) ? cleaned : null;
}

// A colon before the first "/", "?" or "#" makes a scheme, also where it is written as an entity.
function isRelative(url: string): boolean {
  const head = url.split(/[/?#]/, 1)[0] ?? '';
  return !/[:\\&]/.test(head);
}
