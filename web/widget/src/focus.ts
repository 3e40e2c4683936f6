// F6 moves between the parts of the chat: the conversation, an open form, the place to write.

const REGIONS = ['chatstream-log', '.form.open, .resume', 'chatstream-composer'];
const FIRST_CONTROL = 'input, select, textarea, button';

/** Moves the focus to the next region that is there (`step` 1) or the one before (-1). */
export function focusNextRegion(root: ShadowRoot, step: 1 | -1): void {
  const regions = REGIONS.map((selector) => [...root.querySelectorAll<HTMLElement>(selector)].at(-1));
  const shown = regions.filter((region) => region !== undefined);
  const at = shown.findLastIndex((region) => region.contains(root.activeElement));
  const from = at < 0 && step < 0 ? 0 : at;
  const next = shown[(from + step + shown.length) % shown.length];
  if (next?.tabIndex === 0) next.focus();
  else next?.querySelector<HTMLElement>(FIRST_CONTROL)?.focus();
}
